"""The web process with a watch on its event loop: `python -m tests.instruments.loop_watch` replaces `python -m app`.

While code runs on the event loop, no one else is served. The watch writes into the page's log which code
held the loop for longer than `LIMIT`, and every `time.sleep` on it. It counts the processor time of the loop's thread,
not wall time: a busy machine that delays the page is not the page's fault.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from app.__main__ import main

LIMIT = 0.5
"""Seconds of processor time that one piece of code may take on the event loop."""
_BEAT = 0.02
_FOUND = re.compile(r"the event loop was held: .*")
_log = logging.getLogger("app.loop")


def found(log: str) -> list[str]:
    """What a watch has written into a page's log, one line for each time that the loop was held."""
    return _FOUND.findall(log)


class LoopWatch:
    """Watches the loop that runs in the current thread, from `start` on. `tell` gets a line for each pause.

    `limit` is in seconds of processor time.
    """

    def __init__(self, tell: Callable[[str], None], limit: float = LIMIT) -> None:
        self._tell = tell
        self._limit = limit
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._beats = 0
        self._ended = threading.Event()
        self._sleep = time.sleep

    def start(self) -> None:
        """Begins; until `end`, `time.sleep` is the watch's own."""
        vars(time)["sleep"] = self._watched_sleep
        self._beat(asyncio.get_running_loop())
        threading.Thread(target=self._watch, daemon=True).start()

    def end(self) -> None:
        """Ends the watch."""
        self._ended.set()
        vars(time)["sleep"] = self._sleep

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beats += 1
        if not self._ended.is_set():
            loop.call_later(_BEAT, self._beat, loop)

    def _watch(self) -> None:
        beats, began, reported = self._beats, self._spent(), False
        while not self._ended.wait(_BEAT):
            spent = self._spent() - began
            if self._beats != beats:
                beats, began, reported = self._beats, self._spent(), False
            elif spent > self._limit and not reported:
                reported = True
                self._tell(f"the event loop was held: for {spent:.2f} s so far by {self._where()}")

    def _spent(self) -> float:
        return time.clock_gettime(self._clock)

    def _where(self) -> str:
        return _code(sys._current_frames()[self._thread])

    def _watched_sleep(self, seconds: float) -> None:
        if threading.get_ident() == self._thread:
            self._tell(f"the event loop was held: time.sleep({seconds}) by {_code(sys._getframe(1))}")
        self._sleep(seconds)


def _code(frame: FrameType) -> str:
    """The innermost calls of a stack, the innermost one first."""
    calls = traceback.extract_stack(frame)[-12:]
    return " < ".join(f"{call.filename}:{call.lineno} {call.name}" for call in reversed(calls))


def _run() -> int:
    serve = uvicorn.Server.serve

    async def watched(self: uvicorn.Server, *args: Any, **kwargs: Any) -> None:
        watch = LoopWatch(_log.warning)
        watch.start()
        try:
            await serve(self, *args, **kwargs)
        finally:
            watch.end()

    uvicorn.Server.serve = watched  # type: ignore[method-assign]
    return main()


if __name__ == "__main__":
    sys.exit(_run())
