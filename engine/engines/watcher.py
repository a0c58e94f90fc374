"""Reads a program's output line by line, to find out what the program is doing and why it ends."""

from __future__ import annotations

from dataclasses import dataclass

from engine.status import Phase, Reason


@dataclass(frozen=True)
class Failure:
    """Why a program ends, and whether another start would end the same way."""

    reason: Reason
    permanent: bool = True


class Watcher:
    """Reads one run of a program: feed it every line. This base class ignores them."""

    def __init__(self, phase: Phase = Phase.NONE) -> None:
        self.phase = phase
        self.percent: float | None = None
        """The progress of the phase, 0-100, if known."""
        self.waits: Reason | None = None
        """What the program waits for, if it reports that."""
        self.failure: Failure | None = None
        """Why it ends, once a line has reported it."""

    def feed(self, line: str) -> None:
        """Takes one line."""
