"""What reads an engine's log while it starts: a program's output, line by line, to what it is doing."""

from __future__ import annotations

from typing import Protocol


class Failure(Protocol):
    """A reason found in a program's output."""

    @property
    def sentence(self) -> str:
        """One sentence with the next step."""

    @property
    def permanent(self) -> bool:
        """Whether a new start would end the same way."""


class Watcher(Protocol):
    """Reads a program's output for what it is doing and for why it ends."""

    phase: str
    percent: float | None

    @property
    def failure(self) -> Failure | None:
        """Why it fails, where a line has told."""

    def feed(self, line: str) -> None:
        """Takes one line."""


class Silent:
    """The watcher of a program whose output says nothing about its start."""

    phase = ""
    percent: float | None = None
    failure: Failure | None = None

    def feed(self, line: str) -> None:
        """Has nothing to learn from it."""
