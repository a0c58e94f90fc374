"""Log files of whole lines, rotated by size, which people can read in any shell."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_AT_ONCE = 1_000_000
_MOST_DIGITS = 18
"""The most digits of an offset that a client may send: no file is longer, and int() rejects thousands of digits."""
KEEP = 3
"""How many rotated files are kept; `llm.log.1` is the newest."""
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters that would move the cursor or change the terminal."""


class RotatingLog:
    """Appends bytes to a file and rotates it when it has grown to `limit` bytes.

    A log must not stop the program that it is about: what a full or broken disk rejects is lost, and the log reports
    that as soon as it can be written again.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._file: BinaryIO | None = None
        self._lost = 0
        self._reason = ""

    def write(self, data: bytes) -> None:
        """Appends `data`, which is in the file when this returns."""
        try:
            file = self._file = self._file or self._path.open("ab", buffering=0)
            if self._lost:
                _write_all(file, f"[{self._lost} bytes are missing here: {self._reason}]\n".encode())
                self._lost = 0
            _write_all(file, data)
            if data.endswith(b"\n") and file.tell() >= self._limit:
                # If it can't be rotated, it keeps growing.
                with contextlib.suppress(OSError):
                    self._rotate()
        except OSError as error:
            self._lost += len(data)
            self._reason = error.strerror or str(error)
            self.close()

    def close(self) -> None:
        """Closes the file; a later write opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rotate(self) -> None:
        self.close()
        for number in range(KEEP - 1, 0, -1):
            earlier = self._numbered(number)
            if earlier.exists():
                earlier.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _write_all(file: BinaryIO, data: bytes) -> None:
    # An unbuffered write writes as much as fits on the disk; only the next one reports that it is full.
    while data:
        data = data[file.write(data) :]


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file; empty if there is no file."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 400 * lines))
        text = file.read().decode(errors="replace")
    return _lines(text)[-lines:]


def _lines(text: str) -> list[str]:
    """The lines that end with a newline. str.splitlines would also split at the carriage returns of a progress bar."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


@dataclass(frozen=True)
class More:
    """Lines of a log, and the position after them."""

    lines: list[str]
    at: str


def more(path: Path, at: str, first: int) -> More:
    """The whole lines that were written since `at`, which an earlier call returned, also across a rotation.

    With an empty `at`, or one of a file that is gone or has become shorter, returns the last `first` lines. A call
    returns at most 1 MB, and only a part of a longer line.
    """
    inode, _, wanted = at.partition(":")
    offset = int(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) <= _MOST_DIGITS else None
    lines: list[str] = []
    for file in (path.with_name(f"{path.name}.1"), path):
        if offset is not None and file.exists() and _is_at(file, inode, offset):
            found, at = _since(file, offset)
            lines += found
            if file == path:
                return More(lines, at)
            # It was rotated: what followed is at the beginning of the new file.
            found, at = _since(path, 0) if path.exists() else ([], at)
            return More(lines + found, at)
    if not path.exists():
        return More([], "")
    size = path.stat().st_size
    return More(tail(path, first), f"{path.stat().st_ino}:{size}")


def _is_at(path: Path, inode: str, offset: int) -> bool:
    there = path.stat()
    return str(there.st_ino) == inode and offset <= there.st_size


def _since(path: Path, offset: int) -> tuple[list[str], str]:
    with path.open("rb") as file:
        inode = os.fstat(file.fileno()).st_ino
        file.seek(offset)
        data = file.read(_MOST_AT_ONCE)
    whole = data[: data.rfind(b"\n") + 1]
    if not whole and len(data) == _MOST_AT_ONCE:
        # A line longer than one call: waiting for its end would never make progress.
        whole = data
    return _lines(whole.decode(errors="replace")), f"{inode}:{offset + len(whole)}"


def follow(paths: list[Path], sleep: Callable[[float], None]) -> Iterator[tuple[Path, str]]:
    """Yields the lines that are appended from now on, also across a rotation. It never ends by itself."""
    tails = [_Tail(path) for path in paths]
    try:
        while True:
            for one in tails:
                for line in one.new_lines():
                    yield one.path, line
            sleep(0.3)
    finally:
        for one in tails:
            one.close()


def plain(line: str) -> str:
    """The line without control characters for a terminal; of a progress bar, only the last state."""
    return _ESCAPES.sub("", line.rstrip("\r").rpartition("\r")[2])


class _Tail:
    """A growing file, kept open so that everything written before a rotation is still read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._unfinished = b""
        self._file = path.open("rb") if path.exists() else None
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def new_lines(self) -> list[str]:
        data = self._rest()
        if self._moved():
            self.close()
            self._file = self.path.open("rb")
            data += self._rest()
        *lines, self._unfinished = (self._unfinished + data).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _rest(self) -> bytes:
        return self._file.read() if self._file is not None else b""

    def _moved(self) -> bool:
        if not self.path.exists():
            return False
        return self._file is None or os.fstat(self._file.fileno()).st_ino != self.path.stat().st_ino
