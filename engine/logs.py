"""Log files that people `cat` from a web shell: whole lines, rotated by size."""

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
"""Of an offset that somebody sends: more is no file's, and from some thousands on int() refuses."""
KEEP = 3
"""How many earlier files stay: `llm.log.1` is the newest of them."""
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[^\[]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What would move the cursor or change the terminal: a log says it, so it must not do it."""


class RotatingLog:
    """Appends bytes to a file and moves it aside when it has grown to `limit` bytes.

    A log is no reason to end what it is about: what a full or broken disk does not take is lost, and said so in the log
    as soon as it can be written again.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._file: BinaryIO | None = None
        self._lost = 0
        self._reason = ""

    def write(self, data: bytes) -> None:
        """Appends; what was written stands in the file when this returns."""
        try:
            file = self._file = self._file or self._path.open("ab", buffering=0)
            if self._lost:
                _write_all(file, f"[{self._lost} bytes are missing here: {self._reason}]\n".encode())
                self._lost = 0
            _write_all(file, data)
            if data.endswith(b"\n") and file.tell() >= self._limit:
                # Where it can't be moved aside it grows on.
                with contextlib.suppress(OSError):
                    self._rotate()
        except OSError as error:
            self._lost += len(data)
            self._reason = error.strerror or str(error)
            self.close()

    def close(self) -> None:
        """Ends the file; a later write opens it again."""
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
    # Without a buffer a write takes as much as there is room for, and only the next one says that there is none.
    while data:
        data = data[file.write(data) :]


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file; none where there is no file."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 400 * lines))
        text = file.read().decode(errors="replace")
    return _lines(text)[-lines:]


def _lines(text: str) -> list[str]:
    """Those that end at a newline; str.splitlines ends them at a carriage return, too: at each state of a bar."""
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


@dataclass(frozen=True)
class More:
    """Lines of a log, and where it goes on."""

    lines: list[str]
    at: str


def more(path: Path, at: str, first: int) -> More:
    """What was written since `at`, which an earlier call gave, also across a rotation; whole lines only.

    With an empty `at`, or one of a file that is gone or has become shorter, the last `first` lines. At most 1 MB a
    call; of a line longer than that, a piece.
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
            # It was moved aside: what came after it stands at the beginning of the new one.
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
        # A line without an end in sight: whoever waits for it would never get on.
        whole = data
    return _lines(whole.decode(errors="replace")), f"{inode}:{offset + len(whole)}"


def follow(paths: list[Path], sleep: Callable[[float], None]) -> Iterator[tuple[Path, str]]:
    """Yields the lines that are appended from now on, also across a rotation; never ends by itself."""
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
    """The line without what would steer a terminal; of a bar that was drawn over itself the last state."""
    return _ESCAPES.sub("", line.rstrip("\r").rpartition("\r")[2])


class _Tail:
    """A growing file, held open, so that what was written to it before a rotation is still read."""

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
