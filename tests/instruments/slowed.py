"""A process that runs only now and then: an engine too fast for what a test does in the middle of its answer."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_RUNS, _STANDS = 0.002, 0.03
"""Seconds."""


@contextmanager
def slowed(pid: int) -> Iterator[None]:
    """Stops and continues the process all the time; a process that has ended meanwhile is left alone."""
    over = threading.Event()

    def hold() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not over.is_set():
                os.kill(pid, signal.SIGSTOP)
                over.wait(_STANDS)
                os.kill(pid, signal.SIGCONT)
                over.wait(_RUNS)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
