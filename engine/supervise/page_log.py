"""Lines that the web process writes to its log to report what it waits for, or why it can't start."""

from __future__ import annotations

from engine.engines.watcher import Failure, Watcher
from engine.status import Reason

_WAITS = "Waiting: "
_CANNOT_START = "Can't start: "


def say_waiting(sentence: str) -> None:
    """Reports that the web process waits and retries by itself; shown as what it is doing."""
    print(f"{_WAITS}{sentence}", flush=True)


def say_cannot_start(sentence: str) -> None:
    """Reports an error that another start would only repeat; shown as the reason for the failure."""
    print(f"{_CANNOT_START}{sentence}", flush=True)


class PageLog(Watcher):
    """Watches the log of one run of the web process."""

    def feed(self, line: str) -> None:
        """Takes one line."""
        if line.startswith(_WAITS):
            self.waits = Reason.of_text(line.removeprefix(_WAITS).strip())
        elif line.startswith(_CANNOT_START):
            self.failure = Failure(Reason.of_text(line.removeprefix(_CANNOT_START).strip()))
