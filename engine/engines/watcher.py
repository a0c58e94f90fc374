"""What reads an engine's log: a program's output, line by line, to what it is doing and to why it ends."""

from __future__ import annotations

from dataclasses import dataclass

from engine.status import Phase, Reason


@dataclass(frozen=True)
class Failure:
    """Why a program ends, and whether a new start would end the same way."""

    reason: Reason
    permanent: bool = True


class Watcher:
    """Reads one run of a program: feed it every line. This one learns nothing from them."""

    def __init__(self, phase: Phase = Phase.NONE) -> None:
        self.phase = phase
        self.percent: float | None = None
        """How far the phase is, 0-100, where it is known."""
        self.waits: Reason | None = None
        """What the program waits for, where it says so."""
        self.failure: Failure | None = None
        """Why it ends, once a line has said it."""

    def feed(self, line: str) -> None:
        """Takes one line."""
