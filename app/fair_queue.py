"""Fair queues for scarce resources: users are served in turn, so that one user's many requests do not delay others."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LineFullError(Exception):
    """A user has too many requests waiting, or one waited too long."""


class FairLine:
    """`at_once` places in total and `of_one` per user; up to `waiting` more requests of a user may wait.

    Beyond that, the newest is rejected, or with `newest_wins` the one that has waited longest.
    """

    def __init__(
        self, at_once: int, of_one: int | None = None, *, waiting: int | None = None, newest_wins: bool = False
    ) -> None:
        self._at_once = at_once
        self._of_one = at_once if of_one is None else of_one
        self._most_waiting = waiting
        self._newest_wins = newest_wins
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """By user; the one served last comes last."""

    @asynccontextmanager
    async def place(self, person: str, seconds: float | None = None) -> AsyncIterator[None]:
        """Holds a place for `person`, after waiting at most `seconds` for it.

        Raises:
            LineFullError: there is none.
        """
        await self._enter(person, seconds)
        try:
            yield
        finally:
            self._leave(person)

    async def _enter(self, person: str, seconds: float | None) -> None:
        if person not in self._waiting and self._free_for(person):
            self._running[person] += 1
            return
        line = self._waiting.setdefault(person, deque())
        if self._most_waiting is not None and len(line) >= self._most_waiting:
            if not self._newest_wins:
                raise LineFullError
            longest = line.popleft()
            # It may have given up a moment ago.
            if not longest.done():
                longest.set_exception(LineFullError())
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled() and place.exception() is None:
                # It got the place at the moment it gave up.
                self._leave(person)
            self._forget(person, place)
            if isinstance(error, TimeoutError):
                raise LineFullError from None
            raise

    def _leave(self, person: str) -> None:
        self._running[person] -= 1
        if not self._running[person]:
            del self._running[person]
        while (next_one := next((name for name in self._waiting if self._free_for(name)), None)) is not None:
            place = self._waiting[next_one].popleft()
            self._waiting.move_to_end(next_one)
            self._forget(next_one, place)
            if not place.done():
                self._running[next_one] += 1
                place.set_result(None)

    def _free_for(self, person: str) -> bool:
        return self._running.total() < self._at_once and self._running[person] < self._of_one

    def _forget(self, person: str, place: asyncio.Future[None]) -> None:
        line = self._waiting.get(person)
        if line is not None and place in line:
            line.remove(place)
        if not line:
            self._waiting.pop(person, None)
