"""Names and the hashes of their secrets, in one file of the workspace that its owner alone can read.

A running page sees a change at the next look: the file is read anew whenever it has been replaced.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NAME = re.compile(r"[\w.@+-]{1,64}")


def is_name(name: str) -> bool:
    """Whether it can stand in a list and on a command line without confusing anybody."""
    return _NAME.fullmatch(name) is not None


class NamedHashes:
    """The file's entries."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, int, int] | None = None
        self._hashes: dict[str, str] = {}

    def find(self, name: str) -> str | None:
        """The name as it was given, whatever the case in which it is typed; None: there is none."""
        return next((known for known in self.current() if known.casefold() == name.strip().casefold()), None)

    def current(self) -> dict[str, str]:
        """Hash by name, as the file is at this moment."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._read, self._hashes = None, {}
            return self._hashes
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._read:
            self._hashes = json.loads(self._path.read_text(encoding="utf-8"))
            self._read = stamp
        return self._hashes

    @contextmanager
    def changing(self) -> Iterator[dict[str, str]]:
        """The hashes, to be changed: written at the end, unless that raises; one change at a time."""
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            hashes = dict(self.current())
            yield hashes
            # Made with mode 0600.
            descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(hashes, file, ensure_ascii=False, indent=1)
                Path(temporary).replace(self._path)
            except OSError:
                Path(temporary).unlink()
                raise
