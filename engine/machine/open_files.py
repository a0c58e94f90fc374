"""The limit of open files and sockets of a process: each chat needs a few."""

from __future__ import annotations

import contextlib
import resource

import psutil

MOST = 1_048_576
"""More than any web process needs. If the system allows a billion, some programs close every number up to that."""


def possible() -> int:
    """The limit that the product sets at its start: this user's maximum, but at most `MOST`."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)


def raise_open_files() -> None:
    """Raises the limit of this process, and of those that it starts, to `possible()`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < possible():
        # Some containers forbid it; a low limit is better than no start.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (possible(), hard))


def open_files_of(pid: int) -> str:
    """How many files a process has open, and its limit, in words."""
    try:
        process = psutil.Process(pid)
        return f"{process.num_fds()} of {process.rlimit(psutil.RLIMIT_NOFILE)[0]} files are open"
    except psutil.Error:
        return "its open files can't be counted"
