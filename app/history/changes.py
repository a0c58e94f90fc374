"""Merges a session's changes into its thread, inside the transaction that locks the thread.

An answer is overwritten only in the revision that the session has seen. If another session was quicker, the longer
text wins if it continues the other one; if both have diverged, both are kept as separate answers. Nothing is deleted
except what the session itself removed, and only if it is unchanged since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from app.history import records
from app.history.copies import Copy, Seen, fingerprint
from app.history.owned import own_turn_ids, own_turns
from app.history.tables import answers, pictures, turns
from app.talk.conversation import Answer, Turn, new_id

_AT_ONCE = 500
# Built once, because building a statement for each answer takes longer than running it. `holder` and `held` are the
# owner and the thread.
_OWN_TURNS = own_turns(bindparam("holder"), bindparam("held"))
_OWN_TURN_IDS = own_turn_ids(bindparam("holder"), bindparam("held"))
_SOME: BindParameter[list[str]] = bindparam("some", expanding=True)
_TURNS_THERE = select(turns.c.id).where(turns.c.id.in_(_SOME), _OWN_TURNS)
_ANSWERS_THERE = select(answers).where(answers.c.id.in_(_SOME), answers.c.turn_id.in_(_OWN_TURN_IDS))
_TOUCH = update(turns).where(turns.c.id.in_(_SOME), _OWN_TURNS).values(changed=bindparam("now"))
_CHOOSE = (
    update(turns)
    .where(turns.c.id == bindparam("of_turn"), _OWN_TURNS)
    .values(chosen_answer=bindparam("choice"), changed=bindparam("now"))
)
_HIGHEST_PLACE = select(func.max(answers.c.position)).where(
    answers.c.turn_id == bindparam("of_turn"), answers.c.turn_id.in_(_OWN_TURN_IDS)
)
_ANSWER_AS_SEEN = (
    (answers.c.id == bindparam("known"))
    & (answers.c.revision == bindparam("seen"))
    & answers.c.turn_id.in_(_OWN_TURN_IDS)
)
_UPDATE_ANSWER = update(answers).where(_ANSWER_AS_SEEN)
_DELETE_ANSWER = delete(answers).where(_ANSWER_AS_SEEN)
_TURN_OF_ANSWER = select(answers.c.turn_id).where(_ANSWER_AS_SEEN)


@dataclass(frozen=True)
class _Written:
    """An answer as it is in the database now."""

    answer: Answer
    id: str
    seen: Seen


class Saving:
    """The changes of one session to one thread; call `noted` once they are committed.

    Inserts go into a thread that the same transaction has locked for its owner; all other statements name the owner.
    """

    def __init__(self, connection: AsyncConnection, copy: Copy, revision: int) -> None:
        self._connection = connection
        self._copy = copy
        self._revision = revision
        """The thread's new revision, made by this transaction, which locks the thread until it ends."""
        self._own = {"holder": copy.user_id, "held": copy.thread_id}
        self._next_place: dict[str, int] = {}
        self._written: list[_Written] = []
        self._choices: dict[str, str] = {}
        self._removed: set[str] = set()

    async def turns(self, asked: Sequence[Turn], uploads: Path) -> None:
        """Adds new turns, and writes their changed answers and which answer is chosen."""
        there = await self._there([turn.id for turn in asked])
        for turn in asked:
            if turn.id not in there:
                await self._add(turn, uploads)
        await self._remove()
        await self.answers([(turn, answer) for turn in asked for answer in turn.answers])
        for turn in asked:
            await self._choose(turn)

    async def answers(self, given: Sequence[tuple[Turn, Answer]]) -> None:
        """Writes the changed answers among `given`; skips those whose turn is not in the database."""
        changed = [
            (turn, answer, printed)
            for turn, answer in given
            if (printed := fingerprint(answer)) != self._seen(answer).fingerprint
        ]
        if not changed:
            return
        # Nearly always nobody else has written it: then one statement will do, and its text is not read again.
        others = [
            (turn, answer, printed)
            for turn, answer, printed in changed
            if not await self._update(answer, self._seen(answer).revision, printed)
        ]
        if others:
            await self._merge(others)
        await self._touch(list({turn.id for turn, _, _ in changed}))

    def noted(self) -> None:
        """Records in the session what the database now holds."""
        for written in self._written:
            written.answer.id = written.id
            self._copy.answers[written.id] = written.seen
        self._copy.choices |= self._choices
        self._copy.removed -= self._removed

    def _seen(self, answer: Answer) -> Seen:
        return self._copy.answers.get(answer.id, Seen(0, 0))

    async def _there(self, ids: Sequence[str]) -> set[str]:
        """Those of `ids` that are turns of this thread."""
        found: set[str] = set()
        for some in _in_parts(ids):
            found.update((await self._connection.execute(_TURNS_THERE, self._own | {"some": some})).scalars())
        return found

    async def _rows(self, ids: Sequence[str]) -> dict[str, Row[Any]]:
        """Those of `ids` that are answers of this thread."""
        found: dict[str, Row[Any]] = {}
        for some in _in_parts(ids):
            rows = await self._connection.execute(_ANSWERS_THERE, self._own | {"some": some})
            found |= {row.id: row for row in rows}
        return found

    async def _touch(self, ids: Sequence[str]) -> None:
        """Marks these turns as changed, so that other sessions read them again."""
        for some in _in_parts(ids):
            await self._connection.execute(_TOUCH, self._own | {"some": some, "now": self._revision})

    async def _add(self, turn: Turn, uploads: Path) -> None:
        row = records.turn_values(turn, self._copy.thread_id)
        await self._connection.execute(insert(turns), row | {"changed": self._revision})
        if rows := records.picture_values(turn, self._copy.thread_id, uploads):
            await self._connection.execute(insert(pictures), rows)
        self._next_place[turn.id] = 0

    async def _update(self, answer: Answer, seen: int, printed: int) -> bool:
        """Writes over an answer that has this revision in the database; whether it has."""
        if not seen:
            return False
        # Never a revision that it had before, even if it was deleted and then written again by a session that still had
        # it. Those of schema 0002 counted from 1, which may be more than the thread's.
        revision = max(self._revision, seen + 1)
        values = {**records.answer_values(answer), "revision": revision}
        done = await self._connection.execute(_UPDATE_ANSWER, {**values, **self._own, "known": answer.id, "seen": seen})
        if done.rowcount:
            self._written.append(_Written(answer, answer.id, Seen(revision, printed)))
        return bool(done.rowcount)

    async def _merge(self, given: Sequence[tuple[Turn, Answer, int]]) -> None:
        """Adds answers that are new, and merges those that another session has written."""
        rows = await self._rows([answer.id for _, answer, _ in given])
        # The turn of an answer that is there is there, too.
        there = {row.turn_id for row in rows.values()}
        there |= await self._there([turn.id for turn, _, _ in given if turn.id not in there])
        for turn, answer, printed in given:
            if turn.id in there:
                await self._merge_one(turn, answer, rows.get(answer.id), printed)

    async def _merge_one(self, turn: Turn, answer: Answer, row: Row[Any] | None, printed: int) -> None:
        values = records.answer_values(answer)
        if row is None:
            await self._append(turn, answer, answer.id, values, printed)
        elif _goes_on(values, row):
            await self._update(answer, row.revision, printed)
        elif not _is_beginning(values, row):
            # Both sessions have continued the answer: this version becomes a separate one.
            await self._append(turn, answer, new_id(), values, printed)

    async def _append(self, turn: Turn, answer: Answer, answer_id: str, values: dict[str, Any], printed: int) -> None:
        if turn.id not in self._next_place:
            highest = await self._connection.execute(_HIGHEST_PLACE, self._own | {"of_turn": turn.id})
            last = highest.scalar_one_or_none()
            self._next_place[turn.id] = 0 if last is None else last + 1
        place = {"id": answer_id, "turn_id": turn.id, "position": self._next_place[turn.id], "revision": self._revision}
        await self._connection.execute(insert(answers), {**values, **records.feedback_values(answer), **place})
        self._next_place[turn.id] += 1
        self._written.append(_Written(answer, answer_id, Seen(self._revision, printed)))

    async def _remove(self) -> None:
        """Deletes the answers that the session has removed, unless another session has changed them since."""
        for answer_id in self._copy.removed:
            seen = self._copy.answers.get(answer_id)
            if seen:
                wanted = self._own | {"known": answer_id, "seen": seen.revision}
                turn_ids = await self._connection.execute(_TURN_OF_ANSWER, wanted)
                await self._touch(turn_ids.scalars().all())
                await self._connection.execute(_DELETE_ANSWER, wanted)
            self._removed.add(answer_id)

    async def _choose(self, turn: Turn) -> None:
        """Writes which answer is chosen, if the session has changed that."""
        ids = {written.answer.id: written.id for written in self._written}
        choice = ids.get(turn.answer.id, turn.answer.id) if turn.answer else ""
        if choice != self._copy.choices.get(turn.id, ""):
            chosen = {"of_turn": turn.id, "choice": choice, "now": self._revision}
            await self._connection.execute(_CHOOSE, self._own | chosen)
            self._choices[turn.id] = choice


def _in_parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Splits `ids`, because databases limit the number of values in a statement."""
    return (ids[at : at + _AT_ONCE] for at in range(0, len(ids), _AT_ONCE))


def _goes_on(mine: Mapping[str, Any], row: Row[Any]) -> bool:
    """Whether the session's text continues the one in the database."""
    longer = len(mine["reasoning"]) + len(mine["text"]) > len(row.reasoning) + len(row.text)
    return longer and mine["reasoning"].startswith(row.reasoning) and mine["text"].startswith(row.text)


def _is_beginning(mine: Mapping[str, Any], row: Row[Any]) -> bool:
    """Whether the text in the database equals or continues the session's."""
    return bool(row.reasoning.startswith(mine["reasoning"]) and row.text.startswith(mine["text"]))
