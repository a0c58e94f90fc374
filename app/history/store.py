"""Reads and writes threads, each for its owner only.

Pictures are files in the workspace's `uploads`, one folder for each thread, which is deleted with the thread.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.background import finished
from app.errors import HistoryError
from app.history import records
from app.history.changes import Saving
from app.history.copies import Copy
from app.history.database import Database
from app.history.owned import own_answer, own_thread, own_threads, own_turns
from app.history.tables import answers, pictures, threads, turns, users
from app.talk.conversation import Answer, Conversation, Turn
from app.talk.settings import stored

_LONGEST_NAME = 80
_LONGEST_PRESET = 100
_AT_ONCE = 500  # threads in one statement
# Made once: for each answer that is being written, that takes longer than to carry it out.
_HELD = own_thread(bindparam("holder"), bindparam("held"))
_HOLD = update(threads).where(_HELD).values(revision=threads.c.revision + 1)
# Not by RETURNING: SQLite before 3.35, which RHEL 9 has, knows none.
_HELD_REVISION = select(threads.c.revision).where(_HELD)


class ThreadGoneError(HistoryError):
    """The thread was deleted, or belongs to another user."""


@dataclass
class Thread:
    """A stored thread."""

    id: str
    owner: str
    """The identifier of the user it belongs to."""
    name: str
    preset: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    """In the format that the page sent."""
    created: float = 0.0
    """Unix time in seconds."""
    conversation: Conversation = field(default_factory=Conversation)
    copy: Copy | None = None
    """What a session that loads the conversation has seen; None for a thread without its conversation."""


@dataclass(frozen=True)
class News:
    """What has changed in a thread since a session last read it."""

    revision: int
    turns: list[Turn]
    """The changed turns, each complete, oldest first."""
    choices: dict[str, str]
    """The id of each turn's chosen answer; empty means the last one."""
    revisions: dict[str, int]
    """The revisions of the answers, by their ids."""


class History:
    """The threads of all users."""

    def __init__(self, database: Database, uploads: Path) -> None:
        self.database = database
        self.uploads = uploads

    def of(self, user_id: str) -> OwnHistory:
        """The threads of one user, by their id from `Users`."""
        return OwnHistory(self.database, self.uploads, user_id)

    @finished
    async def save(self, copy: Copy, asked: Sequence[Turn], settings: Mapping[str, Any], last: str) -> None:
        """Merges turns of a session into its thread, which is created if it was never saved.

        `last` is the last turn of the branch that the session shows. What the session has not changed stays as other
        sessions left it. If two sessions continued the same answer, the later one's version gets a new id.

        Raises:
            ThreadGoneError: it has been deleted, or is another user's.
            HistoryError: nothing was written.
        """
        changed = copy.changed_settings(stored(settings))
        async with self.database.writing() as connection:
            if not copy.kept:
                name, file = first_name(asked), file_of(asked)
                await _begin(connection, copy.thread_id, copy.user_id, name, copy.preset, file=file)
            revision = await _hold(connection, copy.user_id, copy.thread_id)
            if revision is None:
                raise ThreadGoneError(copy.thread_id)
            saving = Saving(connection, copy, revision)
            await saving.turns(asked, self.uploads)
            values: dict[str, Any] = {"updated": time.time()}
            if changed:
                values["settings"] = await _merged_settings(connection, copy.user_id, copy.thread_id, changed)
            if last != copy.last:
                values["last_turn"] = last
            change = update(threads).where(own_thread(copy.user_id, copy.thread_id))
            await connection.execute(change.values(values))
        saving.noted()
        copy.kept, copy.last = True, last
        copy.settings |= changed
        copy.wrote(revision)

    @finished
    async def save_answers(self, given: Sequence[tuple[Copy, Turn, Answer]]) -> None:
        """Merges answers in progress into their threads; skips those whose thread is gone.

        Raises:
            HistoryError: nothing was written.
        """
        # Sorted, so that two web processes lock threads in the same order and cannot deadlock.
        by_copy = sorted({id(copy): copy for copy, _, _ in given}.values(), key=lambda copy: copy.thread_id)
        done: list[tuple[Copy, int, Saving]] = []
        async with self.database.writing() as connection:
            # One at a time: of two sessions in one thread, the second must see what the first wrote.
            for copy in by_copy:
                revision = await _hold(connection, copy.user_id, copy.thread_id)
                if revision is not None:
                    saving = Saving(connection, copy, revision)
                    await saving.answers([(turn, answer) for other, turn, answer in given if other is copy])
                    done.append((copy, revision, saving))
        for copy, revision, saving in done:
            saving.noted()
            copy.wrote(revision)

    async def revisions(self, copies: Sequence[Copy]) -> list[int | None]:
        """The current revision of each session's thread; None if it is gone.

        Raises:
            HistoryError: the database does not answer.
        """
        async with self.database.reading() as connection:
            return await _revisions(connection, copies)

    async def news(self, copy: Copy) -> News | None:
        """What has changed in a session's thread since its revision; None if the thread is gone.

        Raises:
            HistoryError: the database does not answer.
        """
        async with self.database.reading() as connection:
            # The revision first: a write between the two statements is then read again with the next news.
            [revision] = await _revisions(connection, [copy])
            if revision is None:
                return None
            rows = await _read_rows(connection, copy)
        return await asyncio.to_thread(_news, revision, rows, self.uploads)


class OwnHistory:
    """The threads of one user. Those of other users are neither read nor changed, as if they did not exist."""

    def __init__(self, database: Database, uploads: Path, user_id: str) -> None:
        self._database = database
        self._uploads = uploads
        self.user_id = user_id

    @finished
    async def begin(self, thread_id: str, name: str, preset: str) -> None:
        """Creates a thread if it does not exist yet.

        Raises:
            ThreadGoneError: it is another user's.
            HistoryError: it could not be written.
        """
        async with self._database.writing() as connection:
            await _begin(connection, thread_id, self.user_id, title(name), preset)

    async def has(self, thread_id: str) -> bool:
        """Whether this user has such a thread."""
        query = select(threads.c.id).where(own_thread(self.user_id, thread_id))
        async with self._database.reading() as connection:
            return (await connection.execute(query)).first() is not None

    async def head(self, thread_id: str) -> Thread | None:
        """A thread without its conversation; None if this user has none with this id."""
        async with self._database.reading() as connection:
            found = await _head(connection, self.user_id, thread_id)
        return found[0] if found else None

    async def load(self, thread_id: str) -> Thread | None:
        """A whole thread; None if this user has none with this id."""
        async with self._database.reading() as connection:
            found = await _head(connection, self.user_id, thread_id)
            if found is None:
                return None
            thread, last, revision = found
            copy = Copy(self.user_id, thread_id, thread.preset, kept=True, revision=-1, last=last)
            copy.settings = dict(thread.settings)
            rows = await _read_rows(connection, copy)
        # In a worker thread, because thousands of turns take a while.
        thread.conversation, thread.copy = await asyncio.to_thread(_whole, copy, revision, rows, self._uploads)
        return thread

    @finished
    async def change(
        self,
        thread_id: str,
        name: str | None = None,
        settings: Mapping[str, Any] | None = None,
        *,
        pinned: bool | None = None,
    ) -> None:
        """Renames a thread, pins it, or updates the given settings; does nothing if it is gone.

        Raises:
            HistoryError: it could not be written.
        """
        values: dict[str, Any] = {} if name is None else {"name": title(name)}
        if pinned is not None:
            values["pinned"] = int(pinned)
        async with self._database.writing() as connection:
            change = update(threads).where(own_thread(self.user_id, thread_id))
            if settings:
                # Locks the thread, so that no other session changes the settings between read and write.
                await connection.execute(change.values(revision=threads.c.revision))
                values["settings"] = await _merged_settings(connection, self.user_id, thread_id, settings)
            if values:
                await connection.execute(change.values(**values))

    @finished
    async def retitle(self, thread_id: str, before: str, name: str) -> bool:
        """Renames a thread that still has the name `before`; returns whether it had.

        Raises:
            HistoryError: it could not be written.
        """
        still = own_thread(self.user_id, thread_id) & (threads.c.name == before)
        async with self._database.writing() as connection:
            done = await connection.execute(update(threads).where(still).values(name=title(name)))
        return bool(done.rowcount)

    @finished
    async def rate(self, answer_id: str, feedback: int | None, comment: str = "") -> bool:
        """Stores the user's feedback on an answer; None removes it.

        Returns:
            Whether this user has such an answer.
        """
        own = own_answer(self.user_id, answer_id)
        values = {"feedback": feedback, "comment": records.clean(comment)}
        of_answer = select(turns.c.id, turns.c.thread_id).join(answers).where(own)
        async with self._database.writing() as connection:
            turn = (await connection.execute(of_answer)).first()
            if turn is None:
                return False
            revision = await _hold(connection, self.user_id, turn.thread_id)
            done = await connection.execute(update(answers).where(own).values(**values))
            rated = (turns.c.id == turn.id) & own_turns(self.user_id, turn.thread_id)
            await connection.execute(update(turns).where(rated).values(changed=revision))
        return bool(done.rowcount)

    async def thread_of_answer(self, answer_id: str) -> str | None:
        """The id of an answer's thread; None if this user has no such answer."""
        query = select(threads.c.id).select_from(answers.join(turns).join(threads))
        async with self._database.reading() as connection:
            found = await connection.execute(query.where(own_answer(self.user_id, answer_id)))
            return found.scalar_one_or_none()

    @finished
    async def delete(self, thread_id: str) -> bool:
        """Deletes a thread with its pictures; returns whether this user had it.

        Raises:
            HistoryError: it could not be deleted, and neither were the pictures.
        """
        async with self._database.writing() as connection:
            found = await connection.execute(delete(threads).where(own_thread(self.user_id, thread_id)))
        if found.rowcount:
            await asyncio.to_thread(shutil.rmtree, self._uploads / thread_id, ignore_errors=True)
        return bool(found.rowcount)


def title(text: str) -> str:
    """A thread's name, made from its first question: one line of limited length."""
    line = " ".join(records.clean(text).split())
    return line if len(line) <= _LONGEST_NAME else line[: _LONGEST_NAME - 1].rstrip() + "…"


def first_name(asked: Sequence[Turn]) -> str:
    """The name from the first question, or from its picture if it has no text."""
    first = asked[0]
    return title(first.text) or title(first.pictures[0].name if first.pictures else "")


def file_of(asked: Sequence[Turn]) -> str:
    """The name of the first question's file, for the list."""
    return title(asked[0].pictures[0].name if asked[0].pictures else "")


async def _begin(
    connection: AsyncConnection, thread_id: str, user_id: str, name: str, preset: str, *, file: str = ""
) -> None:
    query = select(threads.c.name, threads.c.file).where(own_thread(user_id, thread_id))
    there = (await connection.execute(query)).first()
    if there is None:
        now, preset = time.time(), records.clean(preset)[:_LONGEST_PRESET]
        values = {"id": thread_id, "user_id": user_id, "name": name, "preset": preset, "created": now, "updated": now}
        try:
            rest = {"settings": "{}", "last_turn": "", "revision": 0, "file": file}
            await connection.execute(insert(threads).values(**values, **rest))
        except IntegrityError as error:
            raise ThreadGoneError(thread_id) from error
    elif missing := {
        column: value for column, value in (("name", name), ("file", file)) if value and not getattr(there, column)
    }:
        await connection.execute(update(threads).where(own_thread(user_id, thread_id)).values(**missing))


async def _hold(connection: AsyncConnection, user_id: str, thread_id: str) -> int | None:
    """Makes a new revision of a thread: until the transaction ends, nobody else writes into it. None: it is gone."""
    held = {"holder": user_id, "held": thread_id}
    await connection.execute(_HOLD, held)
    return (await connection.execute(_HELD_REVISION, held)).scalar_one_or_none()


async def _revisions(connection: AsyncConnection, copies: Sequence[Copy]) -> list[int | None]:
    wanted = list(dict.fromkeys((copy.user_id, copy.thread_id) for copy in copies))
    found: dict[tuple[str, str], int] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        query = select(threads.c.user_id, threads.c.id, threads.c.revision).where(
            own_threads(wanted[at : at + _AT_ONCE])
        )
        found |= {(row.user_id, row.id): row.revision for row in await connection.execute(query)}
    return [found.get((copy.user_id, copy.thread_id)) for copy in copies]


async def _merged_settings(
    connection: AsyncConnection, user_id: str, thread_id: str, changed: Mapping[str, Any]
) -> str:
    query = select(threads.c.settings).where(own_thread(user_id, thread_id))
    before = (await connection.execute(query)).scalar_one_or_none()
    return records.settings_text({**records.settings_of(before or ""), **changed})


async def _head(connection: AsyncConnection, user_id: str, thread_id: str) -> tuple[Thread, str, int] | None:
    """A thread without its conversation, the last turn of the branch shown, and its revision."""
    query = select(threads, users.c.identifier).join(users).where(own_thread(user_id, thread_id))
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    settings = records.settings_of(row.settings)
    return Thread(row.id, row.identifier, row.name, row.preset, settings, row.created), row.last_turn, row.revision


class _Rows(NamedTuple):
    """The rows of turns, and those of their pictures and answers, in order."""

    turns: Sequence[Row[Any]]
    pictures: Sequence[Row[Any]]
    answers: Sequence[Row[Any]]


async def _read_rows(connection: AsyncConnection, copy: Copy) -> _Rows:
    """The rows of the turns that have changed since the copy's revision."""
    wanted = own_turns(copy.user_id, copy.thread_id) & (turns.c.changed > copy.revision)
    ids = select(turns.c.id).where(wanted)
    asked = (await connection.execute(select(turns).where(wanted).order_by(turns.c.asked))).all()
    of_pictures = select(pictures).where(pictures.c.turn_id.in_(ids))
    shown = (await connection.execute(of_pictures.order_by(pictures.c.turn_id, pictures.c.position))).all()
    of_answers = select(answers).where(answers.c.turn_id.in_(ids))
    said = (await connection.execute(of_answers.order_by(answers.c.turn_id, answers.c.position))).all()
    return _Rows(asked, shown, said)


def _news(revision: int, rows: _Rows, uploads: Path) -> News:
    return News(
        revision,
        records.read_turns(*rows, uploads),
        {row.id: row.chosen_answer for row in rows.turns},
        {row.id: row.revision for row in rows.answers},
    )


def _whole(copy: Copy, revision: int, rows: _Rows, uploads: Path) -> tuple[Conversation, Copy]:
    """The conversation from all rows of a thread, and the copy of a session that loads it."""
    everything = _news(revision, rows, uploads)
    copy.revision = revision
    for turn in everything.turns:
        copy.saw(turn, everything.revisions)
    conversation = Conversation(aside=everything.turns)
    if any(turn.id == copy.last for turn in everything.turns):
        conversation.switch(copy.last)
    return conversation, copy
