"""Locks between processes by flock(2): the kernel gives a lock back when its holder dies, however it dies.

Why no library: filelock takes files only and takes them exclusively, but a backup locks a folder, and whoever looks
whether a workspace is in use takes its lock shared.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Locks an open file or folder until it is closed; False: somebody else holds its lock."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def locked(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Holds the lock in `path`, which is made where it is missing; calls `waiting` once where it must wait for it.

    Raises:
        OSError: the file cannot be made.
    """
    with path.open("w") as file:
        if not try_lock(file.fileno()):
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
