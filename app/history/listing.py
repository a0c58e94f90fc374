"""The sidebar's list of a user's threads, a section at a time, and the search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, or_, select

from app.fair_queue import FairLine
from app.history import records
from app.history.database import Database
from app.history.finding import Place, places
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
    pinned: bool
    file: str
    """The name of its first question's file; empty if there was none."""
    place: Place | None = None
    """Where the search matched; None without a search, or if only the name matches."""

    @property
    def cursor(self) -> str:
        """The position in the list just below this entry."""
        return f"{int(self.pinned)}/{self.updated!r}/{self.id}"


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
    """The user's threads, the pinned and then the latest first.

    At most `first`, below `cursor`, with `search` in name or text.

    Raises:
        SlowQueryError: the database took longer than `seconds`.
        HistoryError: the database does not answer.
    """
    first = min(max(first, 1), MOST)
    wanted = [threads.c.user_id == user_id]
    if below := _position(cursor):
        pinned, updated, thread_id = below
        older = or_(threads.c.updated < updated, and_(threads.c.updated == updated, threads.c.id < thread_id))
        wanted.append(or_(threads.c.pinned < pinned, and_(threads.c.pinned == pinned, older)))
    words = records.clean((search or "")[:_LONGEST_SEARCH]).strip()
    if words:
        wanted.append(_holds(words))
    if feedback is not None:
        wanted.append(_has_answer(answers.c.feedback == feedback))
    query = (
        select(*(threads.c[name] for name in ("id", "name", "preset", "updated", "pinned", "file")))
        .where(*wanted)
        .order_by(threads.c.pinned.desc(), threads.c.updated.desc(), threads.c.id.desc())
        .limit(first + 1)
    )
    async with database.reading(seconds) as connection:
        rows = (await connection.execute(query)).all()
        shown = rows[:first]
        matches = await places(connection, user_id, [row.id for row in shown], words) if words and shown else {}
    entries = [
        Entry(row.id, row.name, row.preset, row.updated, bool(row.pinned), row.file, matches.get(row.id))
        for row in shown
    ]
    return Page(entries, len(rows) > first)


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


def _position(cursor: str | None) -> tuple[int, float, str] | None:
    pinned, _, rest = (cursor or "").partition("/")
    updated, _, thread_id = rest.partition("/")
    try:
        return int(pinned == "1"), float(updated), thread_id
    except ValueError:
        return None
