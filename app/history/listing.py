"""The sidebar's list of a user's threads, a section at a time, and the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, or_, select

from app.fair_queue import FairLine
from app.history import records
from app.history.database import Database
from app.history.tables import answers, threads, turns

_PATIENCE_SECONDS = 20.0
_LONGEST_SEARCH = 1000
MOST = 100
"""The most threads in one section."""


@dataclass(frozen=True)
class Entry:
    """A thread in the list."""

    id: str
    name: str
    preset: str
    updated: float
    """Unix time in seconds of the last change."""

    @property
    def cursor(self) -> str:
        """The position in the list just below this entry."""
        return f"{self.updated!r}/{self.id}"


@dataclass(frozen=True)
class Page:
    """A section of the list, and whether more follows."""

    entries: list[Entry]
    more: bool


async def list_threads(
    database: Database,
    user_id: str,
    first: int,
    *,
    cursor: str | None = None,
    search: str | None = None,
    feedback: Literal[0, 1] | None = None,
    seconds: float | None = None,
) -> Page:
    """The user's threads, the latest first: at most `first`, below `cursor`, with `search` in name or text.

    Raises:
        SlowQueryError: the database took longer than `seconds`.
        HistoryError: the database does not answer.
    """
    first = min(max(first, 1), MOST)
    wanted = [threads.c.user_id == user_id]
    if below := _position(cursor):
        updated, thread_id = below
        wanted.append(or_(threads.c.updated < updated, and_(threads.c.updated == updated, threads.c.id < thread_id)))
    if search and (words := records.clean(search[:_LONGEST_SEARCH]).strip()):
        wanted.append(_holds(words))
    if feedback is not None:
        wanted.append(_has_answer(answers.c.feedback == feedback))
    query = (
        select(threads.c.id, threads.c.name, threads.c.preset, threads.c.updated)
        .where(*wanted)
        .order_by(threads.c.updated.desc(), threads.c.id.desc())
        .limit(first + 1)
    )
    async with database.reading(seconds) as connection:
        rows = (await connection.execute(query)).all()
    return Page([Entry(*row) for row in rows[:first]], len(rows) > first)


class Searches:
    """The searches of all users: a few at once, so that the lists of others find a free connection."""

    def __init__(self, database: Database, seconds: float = 10.0) -> None:
        self._database = database
        self._seconds = seconds
        # A user who is still typing wants only the latest search.
        self._line = FairLine(at_once=3, of_one=1, waiting=4, newest_wins=True)

    async def list_threads(self, user_id: str, first: int, **wanted: Any) -> Page:
        """As the function `list_threads`, with a search in `wanted`.

        Raises:
            LineFullError: newer searches of this user took its place, or it waited too long.
            SlowQueryError: it took too long.
            HistoryError: the database does not answer.
        """
        async with self._line.place(user_id, _PATIENCE_SECONDS):
            return await list_threads(self._database, user_id, first, **wanted, seconds=self._seconds)


def _holds(words: str) -> ColumnElement[bool]:
    """The thread's name, one of its questions or one of its answers contains the words."""
    asked = select(turns.c.id).where(turns.c.thread_id == threads.c.id, turns.c.text.icontains(words, autoescape=True))
    said = _has_answer(answers.c.text.icontains(words, autoescape=True))
    return or_(threads.c.name.icontains(words, autoescape=True), asked.exists(), said)


def _has_answer(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """One of the thread's answers meets the condition."""
    found = select(answers.c.id).select_from(answers.join(turns)).where(turns.c.thread_id == threads.c.id, condition)
    return found.correlate(threads).exists()


def _position(cursor: str | None) -> tuple[float, str] | None:
    updated, _, thread_id = (cursor or "").partition("/")
    try:
        return float(updated), thread_id
    except ValueError:
        return None
