"""The lock of a workspace: held by the one supervisor that may run in it, and visible to every other process.

The kernel releases it when its holder dies, however it dies. So it is more reliable than any file: while it is held,
the product runs; otherwise nothing runs.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from engine.system.file_lock import try_lock

_PATIENCE = 1.0
"""Seconds for which a start keeps trying: a process that checks whether the lock is held takes it for a moment."""
_PAUSE = 0.05


class HeldError(Exception):
    """Another process holds the lock."""


class Held:
    """A lock that this process holds."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def is_lost(self) -> bool:
        """Whether its file was deleted, so that no process can find the lock. A moved file is not lost."""
        held = os.fstat(self._descriptor)
        if held.st_nlink:
            return False
        try:
            return not os.path.samestat(held, self._path.stat())
        except OSError:
            return True


@contextlib.contextmanager
def holding(path: Path) -> Iterator[Held]:
    """Holds the lock in the file `path`, which is created if missing.

    Raises:
        HeldError: another process holds it.
        OSError: the file can't be created.
    """
    with path.open("a") as file:
        deadline = time.monotonic() + _PATIENCE
        while not try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise HeldError(str(path))
            time.sleep(_PAUSE)
        yield Held(path, file.fileno())


def is_held(path: Path) -> bool:
    """Whether any process holds it, on this machine or, on a shared disk, on another.

    Raises:
        PermissionError: this user may not open it.
    """
    try:
        file = path.open()
    except (FileNotFoundError, NotADirectoryError):
        return False
    with file:
        return not try_lock(file.fileno(), shared=True)


def holder(path: Path) -> int | None:
    """The process that holds it; None if this user or container can't see it, or the system does not report it."""
    lock = path.stat()
    for entry in Path("/proc").glob("[0-9]*/fdinfo"):
        # The process has ended, or belongs to another user.
        with contextlib.suppress(OSError):
            for info in entry.iterdir():
                pid = _locker(info)
                # The pid is 0 for a process that we can't see.
                if pid and os.path.samestat(lock, (entry.parent / "fd" / info.name).stat()):
                    return pid
    return None


def _locker(info: Path) -> int | None:
    """The pid that holds an exclusive lock on an open file, from its `fdinfo` (proc_pid_fdinfo(5))."""
    for line in info.read_text().splitlines():
        # lock:	1: FLOCK  ADVISORY  WRITE 17091 fe:00:2146340 0 EOF
        words = line.split()
        if words[:1] == ["lock:"] and "FLOCK" in words and "WRITE" in words:
            return int(words[words.index("WRITE") + 1])
    return None
