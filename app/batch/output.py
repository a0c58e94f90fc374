"""The file that a batch writes, and the journal beside it that keeps the results until all are known."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from app.batch.results import Journal, Result, rendered
from engine.system.atomic_write import replace_file
from engine.system.file_lock import try_lock


class OutputError(Exception):
    """The results can't be written there; the text is one sentence with the way out."""


class Output:
    """Where the results go, for one process at a time; the journal beside it keeps them until all are known."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path.with_name(f".{path.name}.journal"))

    def __enter__(self) -> Output:
        """Takes it.

        Raises:
            OutputError: another batch writes there, or there are results that nothing would add to.
            OSError: its folder can't be written.
        """
        if self.path.exists() and not self.journal.path.exists():
            raise OutputError(f"{self.path} exists already: choose another name, or delete it.")
        self._lock = self.journal.path.open("ab")
        if not try_lock(self._lock.fileno()):
            self._lock.close()
            raise OutputError(f"Another batch is writing {self.path}: wait until it has ended, or choose another name.")
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def write(self, results: Iterable[Result], *, complete: bool) -> None:
        """Writes all results; the journal goes once nothing is left to be tried again."""
        replace_file(self.path, rendered(results, self.path.suffix[1:]))
        if complete:
            self.journal.path.unlink(missing_ok=True)
