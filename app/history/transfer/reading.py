"""Reads a stored thread in pieces, so that a large one takes no more memory than a small one.

No connection is held between two pieces, since the client may be slow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, func, select, true

from app.errors import HistoryError
from app.history import records
from app.history.database import Database
from app.history.owned import own_thread
from app.history.tables import answers, pictures, threads, turns
from app.talk.conversation import Answer, Conversation, Picture, Turn
from app.talk.parts import ResultPicture, Step

_SLICE = 1_000_000
"""Characters of one text read at once. The database scans the text from its beginning for each slice."""
_BATCH = 250_000
"""Characters read at once for several questions with their answers."""
_MOST_IDS = 200
_OF_TURNS = turns.join(threads)
_OF_ANSWERS = answers.join(turns).join(threads)


@dataclass(frozen=True)
class AnswerHead:
    """An answer without its texts: its steps, and the kind and the length in characters of each text."""

    id: str
    parts: list[tuple[str, int] | Step]

    @property
    def size(self) -> int:
        """All its texts together."""
        return sum(len(part.text) if isinstance(part, Step) else part[1] for part in self.parts)


@dataclass
class TurnHead:
    """A question without its text; `text` is its length in characters."""

    id: str
    parent: str
    page_id: str
    asked: float
    chosen: str
    """The id of the chosen answer; empty means the last one."""
    text: int
    answers: list[AnswerHead] = field(default_factory=list)

    @property
    def size(self) -> int:
        """All its texts together."""
        return self.text + sum(answer.size for answer in self.answers)


@dataclass
class Outline:
    """A thread without its texts; `turns` has all branches, oldest first."""

    name: str
    preset: str
    settings: dict[str, Any]
    turns: list[TurnHead]
    last: str

    def shown(self) -> list[TurnHead]:
        """The current branch."""
        by_id = {turn.id: turn for turn in self.turns}
        if self.last not in by_id:
            return []
        stubs = [Turn(turn.id, "", parent=turn.parent, asked=turn.asked) for turn in self.turns]
        conversation = Conversation(aside=stubs)
        conversation.switch(self.last)
        return [by_id[turn.id] for turn in conversation.turns]


@dataclass
class ReadAnswer:
    """An answer: its steps, and its texts with their kind, to be read in slices; `about` has everything else."""

    about: Answer
    parts: list[tuple[str, AsyncIterator[str]] | Step]


@dataclass
class ReadTurn:
    """A question whose text is read in slices; `chosen` is an index into `answers`, which omits failed ones."""

    head: TurnHead
    text: AsyncIterator[str]
    pictures: list[Picture]
    answers: list[ReadAnswer]
    chosen: int


class ThreadReader:
    """Reads one thread of one user."""

    def __init__(self, database: Database, uploads: Path, thread_id: str, user_id: str) -> None:
        self._database = database
        self._uploads = uploads
        self._thread_id = thread_id
        self._own = own_thread(user_id, thread_id)

    async def name(self) -> str | None:
        """The thread's name; None if this user has no such thread."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(threads.c.name).where(self._own))).scalar_one_or_none()

    async def outline(self) -> Outline:
        """The thread without its texts.

        Raises:
            HistoryError: it does not exist, or the database does not answer.
        """
        of_turns = [turns.c[name] for name in ("id", "parent", "page_id", "asked", "chosen_answer")]
        asked = select(*of_turns, func.length(turns.c.text)).select_from(_OF_TURNS).order_by(turns.c.asked)
        said = select(answers.c.turn_id, answers.c.id, answers.c.parts).select_from(_OF_ANSWERS)
        async with self._database.reading() as connection:
            thread = (await connection.execute(select(threads).where(self._own))).first()
            heads = {
                turn_id: TurnHead(turn_id, *rest) for turn_id, *rest in await connection.execute(asked.where(self._own))
            }
            for row in await connection.execute(said.where(self._own).order_by(answers.c.position)):
                heads[row.turn_id].answers.append(AnswerHead(row.id, records.outline(row.parts)))
        if thread is None:
            raise HistoryError("the thread is gone")
        settings = records.settings_of(thread.settings)
        return Outline(thread.name, thread.preset, settings, list(heads.values()), thread.last_turn)

    async def turns(self, heads: Sequence[TurnHead]) -> AsyncIterator[ReadTurn]:
        """These questions with their pictures and answers. Read the texts of one before asking for the next.

        Raises:
            HistoryError: one has since been deleted, or the database does not answer.
        """
        for batch in _batches(heads):
            pieces = _Pieces(self, await self._texts(batch) if sum(turn.size for turn in batch) <= _BATCH else {})
            shown = await self._pictures(turns.c.id.in_([head.id for head in batch]))
            said = await self._about(batch)
            for head in batch:
                yield _whole(head, pieces, shown.get(head.id, []), said)

    async def pictures(self) -> dict[str, list[Picture]]:
        """The pictures of all questions, by the question's id.

        Raises:
            HistoryError: the database does not answer.
        """
        return await self._pictures(true())

    def of_result(self, picture: ResultPicture) -> Picture:
        """A picture that a tool returned."""
        path = self._uploads / self._thread_id / picture.file
        return Picture(str(path), picture.name, picture.width, picture.height)

    async def answer(self, answer_id: str) -> AsyncIterator[str]:
        """An answer's text in slices."""
        async for piece in _Pieces(self, {}).of(answers.c.text, answer_id):
            yield piece

    async def slice(self, column: Column[Any], row_id: str, start: int) -> str:
        """The characters of a text from `start` on.

        Raises:
            HistoryError: it has since been deleted, or the database does not answer.
        """
        of = _OF_TURNS if column.table is turns else _OF_ANSWERS
        query = select(func.substr(column, start + 1, _SLICE)).select_from(of)
        async with self._database.reading() as connection:
            found = await connection.execute(query.where(self._own, column.table.c.id == row_id))
            text: str | None = found.scalar_one_or_none()
        if text is None:
            raise HistoryError("the thread was deleted while it was read")
        return text

    async def _texts(self, batch: Sequence[TurnHead]) -> dict[tuple[str, str], str]:
        ids = [turn.id for turn in batch]
        asked = select(turns.c.id, turns.c.text).select_from(_OF_TURNS).where(self._own, turns.c.id.in_(ids))
        said = select(answers.c.id, answers.c.reasoning, answers.c.text).select_from(_OF_ANSWERS)
        texts: dict[tuple[str, str], str] = {}
        async with self._database.reading() as connection:
            for row in await connection.execute(asked):
                texts["turns.text", row.id] = row.text
            for answer in await connection.execute(said.where(self._own, answers.c.turn_id.in_(ids))):
                texts["answers.reasoning", answer.id], texts["answers.text", answer.id] = answer.reasoning, answer.text
        return texts

    async def _pictures(self, wanted: ColumnElement[bool]) -> dict[str, list[Picture]]:
        query = select(pictures).select_from(pictures.join(turns).join(threads)).where(self._own, wanted)
        found: dict[str, list[Picture]] = {}
        async with self._database.reading() as connection:
            for row in await connection.execute(query.order_by(pictures.c.position)):
                picture = Picture(str(self._uploads / row.file), row.name, row.width, row.height)
                found.setdefault(row.turn_id, []).append(picture)
        return found

    async def _about(self, batch: Sequence[TurnHead]) -> dict[str, Answer]:
        columns = [answers.c[name] for name in ("id", "details", "figures", "feedback", "comment")]
        query = select(*columns).select_from(_OF_ANSWERS)
        query = query.where(self._own, answers.c.turn_id.in_([turn.id for turn in batch]))
        async with self._database.reading() as connection:
            return {row.id: records.answer_without_words(row) for row in await connection.execute(query)}


class _Pieces:
    """Texts in slices: from those already read, or else fetched slice by slice."""

    def __init__(self, reader: ThreadReader, known: dict[tuple[str, str], str]) -> None:
        self._reader = reader
        self._known = known

    async def of(self, column: Column[Any], row_id: str, start: int = 0, end: int | None = None) -> AsyncIterator[str]:
        """The text of a row from the character `start` to `end`; None means to its end."""
        known = self._known.get((str(column), row_id))
        if known is not None:
            yield known[start:end]
            return
        while end is None or start < end:
            piece = await self._reader.slice(column, row_id, start)
            if not piece:
                return
            yield piece if end is None else piece[: end - start]
            start += len(piece)

    def parts(self, answer: AnswerHead) -> list[tuple[str, AsyncIterator[str]] | Step]:
        """The parts of an answer, each text in slices of the column of its kind."""
        read: Counter[str] = Counter()
        parts: list[tuple[str, AsyncIterator[str]] | Step] = []
        for part in answer.parts:
            if isinstance(part, Step):
                parts.append(part)
                continue
            kind, length = part
            start = read[kind]
            read[kind] += length
            parts.append((kind, self.of(answers.c[kind], answer.id, start, start + length)))
        return parts


def _batches(heads: Iterable[TurnHead]) -> Iterator[list[TurnHead]]:
    batch: list[TurnHead] = []
    for head in heads:
        if batch and (len(batch) >= _MOST_IDS or sum(turn.size for turn in batch) + head.size > _BATCH):
            yield batch
            batch = []
        batch.append(head)
    if batch:
        yield batch


def _whole(head: TurnHead, pieces: _Pieces, shown: list[Picture], about: dict[str, Answer]) -> ReadTurn:
    """A question with its answers, without those that failed before they began."""
    # An answer deleted while the thread is being read is missing from `about`.
    known = [(answer, about[answer.id]) for answer in head.answers if answer.id in about]
    said = [(answer, its) for answer, its in known if answer.size or its.ending not in {None, "error"}]
    at = next((n for n, (answer, _) in enumerate(said) if answer.id == head.chosen), len(said) - 1)
    read = [ReadAnswer(its, pieces.parts(answer)) for answer, its in said]
    return ReadTurn(head, pieces.of(turns.c.text, head.id, end=head.text), shown, read, at)


async def is_kept(database: Database, thread_id: str) -> bool:
    """Whether any user has a thread with this id. For cleaning up the disk only: it ignores the owner.

    Raises:
        HistoryError: the database does not answer.
    """
    async with database.reading() as connection:
        return (await connection.execute(select(threads.c.id).where(threads.c.id == thread_id))).first() is not None
