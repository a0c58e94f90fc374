"""A JSON object in one private file of the workspace, shared by all its processes.

A running web process sees a change at the next request: it reads the file again whenever that has been replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from engine.system.atomic_write import replace_json
from engine.system.file_lock import locked

Value = TypeVar("Value")


class DamagedFileError(OSError, ValueError):
    """The file does not contain a JSON object; the text is one sentence with the way out."""


class PrivateJson(Generic[Value]):
    """The object's entries; `Value` is the type of their values."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, int, int] | None = None
        self._entries: dict[str, Value] = {}

    def current(self) -> dict[str, Value]:
        """The entries that are in the file now. Do not change them.

        Raises:
            DamagedFileError: the file does not contain a JSON object.
            OSError: the file can't be read.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._read, self._entries = None, {}
            return self._entries
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._read:
            self._entries = self._parsed()
            self._read = stamp
        return self._entries

    def _parsed(self) -> dict[str, Value]:
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))
        except ValueError:
            entries = None
        if not isinstance(entries, dict):
            raise DamagedFileError(f"{self._path} is damaged: correct it, or restore it from a backup")
        return entries

    @contextmanager
    def changing(self) -> Iterator[dict[str, Value]]:
        """A copy of the entries to change, written at the end unless the body raises; one change at a time."""
        with locked(self._path.with_suffix(".lock")):
            entries = dict(self.current())
            yield entries
            replace_json(self._path, entries, indent=1)
