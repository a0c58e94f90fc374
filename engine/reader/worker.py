"""One recogniser, its queue, and a cache of what was read.

The queue is used only in the event loop and needs no lock; the recogniser has its own thread.
"""

import asyncio
import hashlib
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor

from engine.reader import metrics
from engine.reader.reading.read import Reading, Recogniser, read

logger = logging.getLogger(__name__)

Event = tuple[str, dict[str, object]]
"""A step to report: the name of its text in `texts`, and the values in it."""

# Both limits keep the cache below some tens of MB: a dense page has 10,000 characters.
_CACHE_ENTRIES = 512
_CACHE_CHARACTERS = 5_000_000
_PLACE = 100  # characters that take as much memory as the place of a line


class Cancelled(Exception):  # noqa: N818 - not an error: no one needs the result any more
    """Stops a reading at its next step."""


class TooSlow(Exception):  # noqa: N818 - becomes an answer, not an error
    """Stops a reading that has used up its time."""


class Job:
    """One picture to read, and its progress."""

    def __init__(self, data: bytes, digest: str) -> None:
        self.data = data
        self.digest = digest
        self.cancelled = threading.Event()
        self.result: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    def tell(self, name: str, **values: object) -> None:
        """Adds a step; call it in the event loop."""
        self._events.put_nowait((name, values))

    def finish(self, outcome: Reading | BaseException) -> None:
        """Sets the result and ends the events; call it in the event loop."""
        if not self.result.done():
            if isinstance(outcome, BaseException):
                self.result.set_exception(outcome)
            else:
                self.result.set_result(outcome)
        self._events.put_nowait(None)

    async def events(self) -> AsyncGenerator[Event]:
        """Yields each step as it happens, until there is a result."""
        while (event := await self._events.get()) is not None:
            yield event


class Worker:
    """Reads pictures one after the other."""

    def __init__(self, load: Callable[[], Recogniser], picture_seconds: float) -> None:
        """Takes `load`, which makes the recogniser in the worker's thread, and the time limit for one picture."""
        self._load = load
        self._picture_seconds = picture_seconds
        self._thread = ThreadPoolExecutor(1, "recogniser")
        self._waiting: deque[Job] = deque()
        self._arrived = asyncio.Event()
        self._running: Job | None = None
        self._cache: OrderedDict[str, Reading] = OrderedDict()
        self._cached = 0
        self.ready = False
        # Pictures are decoded and checked before they queue, one at a time, because a large one takes 100 MB.
        self.checking = asyncio.Semaphore(1)

    @property
    def waiting(self) -> int:
        """How many pictures are waiting."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """How many pictures are being read: 0 or 1."""
        return 0 if self._running is None else 1

    def known(self, data: bytes) -> bool:
        """Whether the picture is in the cache."""
        return _digest(data) in self._cache

    def submit(self, data: bytes) -> Job:
        """Queues an encoded picture."""
        job = Job(data, _digest(data))
        if reading := self._remembered(job.digest):
            metrics.CACHE_HITS.inc()
            job.tell("known")
            job.tell("read", lines=reading.lines, confidence=reading.confidence)
            job.finish(reading)
            return job
        self._waiting.append(job)
        self._arrived.set()
        if ahead := len(self._waiting) - 1 + self.running:
            job.tell("waiting", ahead=ahead)
        return job

    def cancel(self, job: Job) -> None:
        """Removes `job` from the queue, or stops it at its next step; a finished one is left as it is."""
        if job.result.done():
            return
        job.cancelled.set()
        job.result.cancel()
        if job in self._waiting:
            self._waiting.remove(job)
            self._tell_positions()
        metrics.CANCELLED.inc()

    async def run(self) -> None:
        """Loads the recogniser, then reads until cancelled."""
        loop = asyncio.get_running_loop()
        recogniser = await loop.run_in_executor(self._thread, self._load)
        self.ready = True
        try:
            while True:
                await self._arrived.wait()
                while self._waiting:
                    await self._read_next(recogniser)
                self._arrived.clear()
        finally:
            self.ready = False
            if self._running:
                self._running.cancelled.set()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _read_next(self, recogniser: Recogniser) -> None:
        job = self._running = self._waiting.popleft()
        self._tell_positions()
        try:
            job.finish(await self._read(recogniser, job))
        except Cancelled:
            logger.info("Stopped reading a picture: its client has left.")
        except Exception as error:  # one bad picture must not end the worker
            logger.exception("A picture could not be read; its request gets an error.")
            job.finish(error)
        finally:
            self._running = None

    async def _read(self, recogniser: Recogniser, job: Job) -> Reading:
        # The same picture may have been read for another request while this one waited.
        if reading := self._remembered(job.digest):
            metrics.CACHE_HITS.inc()
            return reading
        loop = asyncio.get_running_loop()
        started = time.monotonic()

        def tell(name: str, **values: object) -> None:  # in the recogniser's thread
            if job.cancelled.is_set():
                raise Cancelled
            if time.monotonic() - started > self._picture_seconds:
                raise TooSlow
            loop.call_soon_threadsafe(lambda: job.tell(name, **values))

        try:
            reading = await loop.run_in_executor(self._thread, lambda: read(recogniser, job.data, tell))
        except TooSlow:
            logger.warning("Stopped reading a picture after %.0f s; the answer says so.", self._picture_seconds)
            return Reading(seconds_over=self._picture_seconds)
        seconds = time.monotonic() - started
        metrics.SECONDS.observe(seconds)
        logger.info("Read a picture: %d line(s), confidence %.2f, %.2f s.", reading.lines, reading.confidence, seconds)
        self._remember(job.digest, reading)
        return reading

    def _tell_positions(self) -> None:
        for place, job in enumerate(self._waiting):
            job.tell("waiting", ahead=place + self.running)

    def _remembered(self, digest: str) -> Reading | None:
        if digest in self._cache:
            self._cache.move_to_end(digest)
        return self._cache.get(digest)

    def _remember(self, digest: str, reading: Reading) -> None:
        self._cache[digest] = reading
        self._cached += _characters(reading)
        while len(self._cache) > _CACHE_ENTRIES or self._cached > _CACHE_CHARACTERS:
            _, oldest = self._cache.popitem(last=False)
            self._cached -= _characters(oldest)


def _characters(reading: Reading) -> int:
    return sum(len(row.text) for row in reading.rows) + _PLACE * len(reading.places)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
