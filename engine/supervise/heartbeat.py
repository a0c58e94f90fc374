"""A sign of life that needs no connection: a pipe into which a program writes a byte a second from its event loop.

A page that has as many connections as it may have, or that is busy, answers no health check, as one that hangs does.
Only the second must be started again: that would cut off everybody who is in. The pipe is there before the program
starts, so nobody who takes all its connections can take that.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, MutableMapping

BEAT_EVERY = 1.0
SILENT_AFTER = 30.0
"""Seconds without a beat, after which it hangs. A long chat that is being opened may hold up a page for some."""
_VARIABLE = "KIMI_HEART"


class Heart:
    """The end of the pipe that is listened to."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._last = time.monotonic()
        os.set_blocking(descriptor, False)

    @classmethod
    @contextlib.contextmanager
    def pair(cls) -> Iterator[tuple[Heart, int]]:
        """This end, and the descriptor of the other one for a program that is started meanwhile."""
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
        """The variable in which the program finds its end."""
        return {_VARIABLE: str(descriptor)}

    def beats(self) -> bool:
        """Whether there was a beat lately; to be asked at each check, since unread beats have no time."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._descriptor, 65536):
                self._last = time.monotonic()
        return time.monotonic() - self._last < SILENT_AFTER

    def close(self) -> None:
        """Ends the listening."""
        os.close(self._descriptor)


async def keep_beating(environment: MutableMapping[str, str] = os.environ) -> None:
    """Beats until cancelled, in a program that was given an end of the pipe; else returns at once."""
    if not (given := environment.pop(_VARIABLE, "")):
        return
    descriptor = int(given)
    # Programs that this one starts are not to beat in its name.
    os.set_inheritable(descriptor, False)
    os.set_blocking(descriptor, False)
    try:
        while True:
            # A full pipe is one that nobody has read lately; without a reader there is no supervisor any more.
            with contextlib.suppress(BlockingIOError, BrokenPipeError):
                os.write(descriptor, b".")
            await asyncio.sleep(BEAT_EVERY)
    finally:
        os.close(descriptor)
