"""One recogniser, a queue in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from engine.reader.picture import pixels_of
from engine.reader.recogniser import Line, Recogniser


@dataclass(frozen=True)
class Waiting:
    """So many pictures are read before this one."""

    ahead: int


class Worker:
    """Reads one picture after the other in a thread of its own: the recogniser takes all cores and up to a gigabyte."""

    def __init__(self, threads: int) -> None:
        self.ready = False
        self._threads = threads
        self._thread = ThreadPoolExecutor(1, "recogniser")
        self._recogniser: Recogniser | None = None
        self._queue: list[asyncio.Event] = []

    async def start(self) -> None:
        """Loads the recogniser."""

        def load() -> Recogniser:
            recogniser = Recogniser(self._threads)
            recogniser.warm_up()
            return recogniser

        self._recogniser = await asyncio.get_running_loop().run_in_executor(self._thread, load)
        self.ready = True

    async def read(self, picture: Image.Image) -> AsyncGenerator[Waiting | list[Line], None]:
        """Says how long the queue is while it waits in it, then gives the lines."""
        assert self._recogniser
        moved = asyncio.Event()
        self._queue.append(moved)
        try:
            while ahead := self._queue.index(moved):
                yield Waiting(ahead)
                moved.clear()
                await moved.wait()
            loop = asyncio.get_running_loop()
            yield await loop.run_in_executor(self._thread, self._recogniser.read, pixels_of(picture))
        finally:
            self._queue.remove(moved)
            for other in self._queue:
                other.set()

    def close(self) -> None:
        """Ends the thread after what it is doing."""
        self._thread.shutdown(wait=False, cancel_futures=True)
