"""Threads in and out of the database.

Pictures are not in it: their files lie below the workspace's `uploads`, one folder for each thread, and go with it.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Column, bindparam, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.conversation import Answer, Conversation, Turn
from app.history import records
from app.history.database import Database, HistoryError, finished
from app.history.tables import answers, pictures, threads, turns, users

_LONGEST_NAME = 80
# Made once: that takes longer than to carry them out.
_UPDATE_TURN = update(turns).where(turns.c.id == bindparam("known"))
_UPDATE_ANSWER = update(answers).where(answers.c.id == bindparam("known"))


class ThreadGoneError(HistoryError):
    """The thread was deleted, or belongs to somebody else."""


@dataclass
class Thread:
    """A thread as it is kept."""

    id: str
    owner: str
    """The identifier of the person it belongs to."""
    name: str
    preset: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    """As the page sent them."""
    created: float = 0.0
    """Unix time in seconds."""
    conversation: Conversation = field(default_factory=Conversation)


class History:
    """The threads of all people."""

    def __init__(self, database: Database, uploads: Path) -> None:
        self.database = database
        self.uploads = uploads

    @finished
    async def begin(self, thread_id: str, user_id: str, name: str, preset: str) -> None:
        """Makes a thread, where it is not there yet.

        Raises:
            ThreadGoneError: it is somebody else's.
            HistoryError: it could not be written.
        """
        async with self.database.writing() as connection:
            await _begin(connection, thread_id, user_id, title(name), preset)

    @finished
    async def save(
        self, thread: str | tuple[str, str, str], asked: Sequence[Turn], settings: Mapping[str, Any], last: str
    ) -> None:
        """Writes turns of a thread as they are now, with their pictures and answers; `last` ends the branch shown.

        `thread` is its id, or its id, its owner's id and its preset where it may have to be made first.

        Raises:
            ThreadGoneError: it has been deleted, or is somebody else's.
            HistoryError: nothing was written.
        """
        async with self.database.writing() as connection:
            if isinstance(thread, str):
                thread_id = thread
            else:
                thread_id, user_id, preset = thread
                await _begin(connection, thread_id, user_id, _first_name(asked), preset)
            values = {"updated": time.time(), "settings": records.dump(settings), "last_turn": last}
            done = await connection.execute(update(threads).where(threads.c.id == thread_id).values(values))
            if not done.rowcount:
                raise ThreadGoneError(thread_id)
            for turn in asked:
                await self._save_turn(connection, thread_id, turn)

    async def _save_turn(self, connection: AsyncConnection, thread_id: str, turn: Turn) -> None:
        row = records.turn_values(turn, thread_id)
        done = await connection.execute(_UPDATE_TURN, row | {"known": turn.id})
        if done.rowcount:
            there = [answer.id for answer in turn.answers]
            await connection.execute(delete(answers).where(answers.c.turn_id == turn.id, answers.c.id.not_in(there)))
        else:
            await connection.execute(insert(turns), row)
            if rows := records.picture_values(turn, self.uploads):
                await connection.execute(insert(pictures), rows)
        given = [records.answer_values(answer, turn.id, position) for position, answer in enumerate(turn.answers)]
        await _write_answers(connection, given)

    @finished
    async def save_answers(self, given: Sequence[tuple[Answer, str, int]]) -> None:
        """Writes answers that are being given, each with its turn's id and its place there.

        Nothing happens to one whose thread is gone.

        Raises:
            HistoryError: nothing was written.
        """
        async with self.database.writing() as connection:
            asked = await _found(connection, turns.c.id, [turn_id for _, turn_id, _ in given])
            # By their ids: of an answer that two sessions give at once the later one counts.
            rows = {one[0].id: records.answer_values(*one) for one in given if one[1] in asked}
            await _write_answers(connection, list(rows.values()))

    async def owner(self, thread_id: str) -> str | None:
        """Whose thread it is: the person's identifier; None where there is no such thread."""
        query = select(users.c.identifier).join(threads).where(threads.c.id == thread_id)
        async with self.database.reading() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    async def head(self, thread_id: str) -> Thread | None:
        """A thread without its conversation; None where there is none."""
        async with self.database.reading() as connection:
            found = await _head(connection, thread_id)
        return found[0] if found else None

    async def load(self, thread_id: str) -> Thread | None:
        """A whole thread; None where there is none."""
        of_turns = turns.c.thread_id == thread_id
        async with self.database.reading() as connection:
            found = await _head(connection, thread_id)
            if found is None:
                return None
            thread, last = found
            asked = await connection.execute(select(turns).where(of_turns).order_by(turns.c.asked))
            shown = await connection.execute(
                select(pictures).join(turns).where(of_turns).order_by(pictures.c.turn_id, pictures.c.position)
            )
            said = await connection.execute(
                select(answers).join(turns).where(of_turns).order_by(answers.c.turn_id, answers.c.position)
            )
            rows = asked.all(), shown.all(), said.all()
        # In a thread of its own, beside which others are served: it takes a while with thousands of turns.
        thread.conversation = await asyncio.to_thread(records.conversation, *rows, last, self.uploads)
        return thread

    @finished
    async def change(self, thread_id: str, **values: Any) -> None:
        """Changes a thread's `name`, `preset` or `settings`; nothing happens where it is gone.

        Raises:
            HistoryError: it could not be written.
        """
        if "name" in values:
            values["name"] = title(values["name"])
        if "settings" in values:
            values["settings"] = records.dump(values["settings"])
        async with self.database.writing() as connection:
            await connection.execute(update(threads).where(threads.c.id == thread_id).values(**values))

    @finished
    async def rate(self, answer_id: str, user_id: str, feedback: int | None, comment: str = "") -> bool:
        """Writes what its reader thought of an answer; None takes it back.

        Returns:
            Whether there is such an answer in a thread of this person.
        """
        own = select(turns.c.id).join(threads).where(threads.c.user_id == user_id)
        change = update(answers).where(answers.c.id == answer_id, answers.c.turn_id.in_(own))
        async with self.database.writing() as connection:
            done = await connection.execute(change.values(feedback=feedback, comment=records.clean(comment)))
        return bool(done.rowcount)

    async def answer(self, answer_id: str, user_id: str) -> tuple[str, str] | None:
        """An answer's text and its thread's name; None where there is none in a thread of this person."""
        query = select(answers.c.text, threads.c.name).select_from(answers.join(turns).join(threads))
        async with self.database.reading() as connection:
            row = (
                await connection.execute(query.where(answers.c.id == answer_id, threads.c.user_id == user_id))
            ).first()
        return None if row is None else (row.text, row.name)

    @finished
    async def delete(self, thread_id: str) -> None:
        """Deletes a thread with everything in it, and its pictures.

        Raises:
            HistoryError: it could not be deleted; then the pictures are there too.
        """
        async with self.database.writing() as connection:
            found = await connection.execute(delete(threads).where(threads.c.id == thread_id))
        if found.rowcount:
            await asyncio.to_thread(shutil.rmtree, self.uploads / thread_id, ignore_errors=True)


def title(text: str) -> str:
    """The name of a thread that began with this question: one line, not too long."""
    line = " ".join(records.clean(text).split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1].rstrip() + "…"


def _first_name(asked: Sequence[Turn]) -> str:
    """After the first question; after its picture where it has no words."""
    first = asked[0]
    return title(first.text) or title(first.pictures[0].name if first.pictures else "")


async def _begin(connection: AsyncConnection, thread_id: str, user_id: str, name: str, preset: str) -> None:
    query = select(threads.c.user_id, threads.c.name).where(threads.c.id == thread_id)
    there = (await connection.execute(query)).first()
    if there is None:
        now = time.time()
        values = {"id": thread_id, "user_id": user_id, "name": name, "preset": preset, "created": now, "updated": now}
        await connection.execute(insert(threads).values(**values, settings="{}", last_turn=""))
    elif there.user_id != user_id:
        raise ThreadGoneError(thread_id)
    elif not there.name:
        await connection.execute(update(threads).where(threads.c.id == thread_id).values(name=name))


async def _found(connection: AsyncConnection, column: Column[str], ids: Sequence[str]) -> set[str]:
    """Those of `ids` that stand in a column."""
    return set((await connection.execute(select(column).where(column.in_(ids)))).scalars())


async def _write_answers(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    known = await _found(connection, answers.c.id, [row["id"] for row in rows])
    if old := [row | {"known": row["id"]} for row in rows if row["id"] in known]:
        await connection.execute(_UPDATE_ANSWER, old)
    if new := [row for row in rows if row["id"] not in known]:
        await connection.execute(insert(answers), new)


async def _head(connection: AsyncConnection, thread_id: str) -> tuple[Thread, str] | None:
    """A thread without its conversation, and the last turn of the branch shown."""
    query = select(threads, users.c.identifier).join(users).where(threads.c.id == thread_id)
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    settings = records.load(row.settings)
    return Thread(row.id, row.identifier, row.name, row.preset, settings, row.created), row.last_turn
