"""The page's log, line by line, to what it waits for and to why it can't start: the page writes such lines itself."""

from __future__ import annotations

from engine.engines.watcher import Failure, Watcher
from engine.status import Reason

_WAITS = "Waiting: "
_CANNOT_START = "Can't start: "


def say_waiting(sentence: str) -> None:
    """The page's word that it tries again by itself; shown as what it is doing."""
    print(f"{_WAITS}{sentence}", flush=True)


def say_cannot_start(sentence: str) -> None:
    """The page's last word where another start would end the same way; shown as why it failed."""
    print(f"{_CANNOT_START}{sentence}", flush=True)


class PageLog(Watcher):
    """Reads one run of the page; feed it every line."""

    def feed(self, line: str) -> None:
        """Takes one line."""
        if line.startswith(_WAITS):
            self.waits = Reason.of_text(line.removeprefix(_WAITS).strip())
        elif line.startswith(_CANNOT_START):
            self.failure = Failure(Reason.of_text(line.removeprefix(_CANNOT_START).strip()))
