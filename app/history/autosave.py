"""Saves answers in progress, so that little is lost if the machine goes down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass

from app.background import finished
from app.errors import HistoryError
from app.history.copies import Copy
from app.history.store import History
from app.talk.conversation import Answer, Turn

_WRITE_SECONDS = 2.0
"""The interval between saves, and so the most that may be lost of an answer."""
_log = logging.getLogger("app.history")


@dataclass(eq=False)
class _Given:
    """An answer in progress, and its length when it was last saved."""

    copy: Copy
    turn: Turn
    answer: Answer
    written: tuple[int, int, int]


class Autosave:
    """Saves all answers in progress: many in one transaction cost little more than one."""

    def __init__(self, history: History, wrote: Callable[[], None] = lambda: None) -> None:
        self._history = history
        self._wrote = wrote
        """Called after each write."""
        # Two sessions may write the same answer, each with its own object.
        self._given: list[_Given] = []
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()

    @asynccontextmanager
    async def writing(self, copy: Copy, turn: Turn, answer: Answer) -> AsyncIterator[None]:
        """Saves an answer every two seconds inside the block; no write is pending after it."""
        given = _Given(copy, turn, answer, _lengths(answer))
        self._given.append(given)
        if self._writer is None or self._writer.done():
            # An empty context: its log lines must not carry the trace of the chat that happened to start it.
            self._writer = asyncio.create_task(self._write_until_done(), context=Context())
        try:
            yield
        finally:
            self._given.remove(given)
            # A write already begun could otherwise land after the caller's next one.
            await self._until_written()

    @finished
    async def _until_written(self) -> None:
        """Waits for the current write, even if Stop is pressed again."""
        async with self._writing:
            pass

    async def _write_until_done(self) -> None:
        while self._given:
            await asyncio.sleep(_WRITE_SECONDS)
            async with self._writing:
                await self._write([given for given in self._given if _lengths(given.answer) != given.written])

    async def _write(self, grown: list[_Given]) -> None:
        lengths = [_lengths(given.answer) for given in grown]
        try:
            if grown:
                await self._history.save_answers([(given.copy, given.turn, given.answer) for given in grown])
        except HistoryError as error:
            # The page reports it if the complete answer can't be saved either.
            _log.warning("answers could not be saved yet: %s", error)
        except Exception:
            _log.exception("answers could not be saved yet")
        else:
            for given, written in zip(grown, lengths, strict=True):
                given.written = written
            if grown:
                self._wrote()


def _lengths(answer: Answer) -> tuple[int, int, int]:
    return len(answer.reasoning), len(answer.text), len(answer.steps)
