"""How many files and sockets a process may have open: each chat holds a few."""

from __future__ import annotations

import contextlib
import resource

import psutil

MOST = 1_048_576
"""More than any page needs. Where the system allows a billion, some programs close each number up to that."""


def possible() -> int:
    """The number that a start of the product takes: all that this user may have, `MOST` at the most."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)


def raise_open_files() -> None:
    """Lets this process, and those that it starts, have as many open as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < possible():
        # Some containers refuse it: fewer are better than no start.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible(), hard))


def open_files_of(pid: int) -> str:
    """How many files a process has open, and how many it may, in words."""
    try:
        process = psutil.Process(pid)
        return f"{process.num_fds()} of {process.rlimit(psutil.RLIMIT_NOFILE)[0]} files are open"
    except psutil.Error:
        return "its open files can't be counted"
