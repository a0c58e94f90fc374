"""Locks between processes by flock(2): the kernel releases a lock when its holder dies, however it dies.

Why no library: filelock only locks files, and only exclusively, but a backup locks a folder, and a check whether a
workspace is in use takes a shared lock.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Locks an open file or folder until it is closed; False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock in the file `path`, which is created if missing; calls `waiting` once if it has to wait.

    Raises:
        OSError: the file can't be created.
    """
    with path.open("w") as file:
        if not try_lock(file.fileno()):
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
