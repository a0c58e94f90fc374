"""A sign of life that needs no connection: a pipe into which a program writes a byte a second from its event loop.

A web process that is busy, or that has used up its connections, answers no health check; neither does one that hangs.
Only the one that hangs should be restarted, because a restart cuts off all its users. The pipe exists before the
program starts, so a client that takes all the connections can't take this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, MutableMapping

BEAT_EVERY = 1.0
SILENT_AFTER = 30.0
"""Seconds without a beat after which it counts as hung. Opening a long chat can block the web process for some."""
_VARIABLE = "KIMI_HEART"


class Heart:
    """The reading end of the pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = time.monotonic()
        os.set_blocking(descriptor, False)

    @classmethod
    @contextlib.contextmanager
    def pair(cls) -> Iterator[tuple[Heart, int]]:
        """The reading end, and the descriptor of the writing end for a program that is started in this context."""
        read_end, write_end = os.pipe()
        try:
            yield cls(read_end), write_end
        except BaseException:
            os.close(read_end)
            raise
        finally:
            os.close(write_end)

    @staticmethod
    def environment(descriptor: int) -> dict[str, str]:
        """The environment variable in which the program finds its end."""
        return {_VARIABLE: str(descriptor)}

    def beats(self) -> bool:
        """Whether there was a recent beat. Call it at each check: beats that are left unread carry no time."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._descriptor, 65536):
                self._last = time.monotonic()
        return time.monotonic() - self._last < SILENT_AFTER

    def close(self) -> None:
        """Closes this end."""
        os.close(self._descriptor)


async def keep_beating(environment: MutableMapping[str, str] = os.environ) -> None:
    """Beats until cancelled, if this program was given an end of the pipe; else returns at once."""
    if not (given := environment.pop(_VARIABLE, "")):
        return
    descriptor = int(given)
    # Child processes must not beat in this one's name.
    os.set_inheritable(descriptor, False)
    os.set_blocking(descriptor, False)
    try:
        while True:
            # The pipe is full if the supervisor has not read it lately, and broken if the supervisor is gone.
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(descriptor, b".")
            await asyncio.sleep(BEAT_EVERY)
    finally:
        os.close(descriptor)
