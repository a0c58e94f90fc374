"""Where in a thread a search has matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.history.tables import answers, threads, turns

_BEFORE = 40
_AROUND = 160
"""Characters that are shown before the match, and in all."""
_MOST = 1000


@dataclass(frozen=True)
class Place:
    """A match: the id on the page of its question, and the words around it."""

    message: str
    words: str


async def places(connection: AsyncConnection, user_id: str, thread_ids: Sequence[str], words: str) -> dict[str, Place]:
    """The latest match of each of this user's threads, by its id; none where only its name matches."""
    own = select(threads.c.id).where(threads.c.user_id == user_id, threads.c.id.in_(thread_ids))
    found: dict[str, tuple[float, Place]] = {}
    for column in (turns.c.text, answers.c.text):
        at = _position(column, words, connection.dialect.name)
        start = case((at > _BEFORE, at - _BEFORE), else_=1)
        rows = await connection.execute(
            select(turns.c.thread_id, turns.c.page_id, turns.c.asked, at, func.substr(column, start, _AROUND))
            .select_from(turns if column is turns.c.text else turns.join(answers))
            .where(turns.c.thread_id.in_(own), at > 0)
            .order_by(turns.c.asked.desc())
            .limit(_MOST)
        )
        for thread_id, message, asked, position, text in rows:
            if thread_id not in found or found[thread_id][0] < asked:
                found[thread_id] = asked, Place(message, _shown(text, cut=position > _BEFORE))
    return {thread_id: place for thread_id, (_, place) in found.items()}


def _shown(text: str, *, cut: bool) -> str:
    """The words in one line. `cut`: they begin in the middle of a text, so that half a word at the beginning goes."""
    line = " ".join(text.split())
    if not cut:
        return line
    half, space, rest = line.partition(" ")
    return f"…{rest}" if space and len(half) < _BEFORE / 2 else f"…{line}"


def _position(column: ColumnElement[str], words: str, dialect: str) -> ColumnElement[int]:
    """Where the column has the words, from 1, without regard to case as far as the database knows it; 0 if nowhere."""
    find = func.strpos if dialect == "postgresql" else func.instr
    return find(func.lower(column), func.lower(words))
