"""A database of an earlier version is upgraded, and everything in it stays the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from app.history.copies import Copy
from app.history.database import Database, database_url
from app.history.listing import list_threads
from app.history.store import History
from app.history.upgrading import upgrade
from app.i18n import LANGUAGES, Language
from app.talk.conversation import Answer, Conversation, Picture, Turn
from app.talk.figures import Figures
from app.talk.footer import footer_line
from engine.reasoning_tags import Kind, Piece
from tests.instruments.answers import parts_of

_ROWS: dict[str, list[dict[str, Any]]] = {
    "users": [{"id": "u", "identifier": "anna", "created": 1.5, "settings": '{"describe":{"top_p":1}}', "preset": "x"}],
    "threads": [
        {
            "id": "t", "user_id": "u", "name": "A chat", "created": 2.5, "updated": 3.5, "preset": "describe",
            "settings": '{"temperature":0.3}', "last_turn": "second",
        },
    ],
    "turns": [
        {"thread_id": "t"} | dict(zip(("id", "parent", "page_id", "asked", "text", "chosen"), values, strict=True))
        for values in [
            ("first", "", "p", 10, "What?", 1),
            ("second", "first", "second", 11, "", 0),
            ("third", "second", "3", 12, "?", -1),
            ("edited", "", "p", 13, "Why?", -1),
        ]
    ],
    "pictures": [
        {"turn_id": "first", "position": n, "file": f"t/{n}.png", "name": "招牌", "width": n + 1, "height": 9}
        for n in (0, 1)
    ],
    "answers": [
        {
            "id": f"{turn}{position}", "turn_id": turn, "position": position, "reasoning": reasoning,
            "text": words, "feedback": position or None, "comment": "", "details": '{"ending":"stop","line":"x"}',
        }
        for turn, position, reasoning, words in [
            ("first", 0, "hm", "first 0"), ("first", 1, "hm", "first 1"), ("second", 0, "hm", "second 0"),
            ("second", 2, "hm", "second 2"), ("edited", 0, "", "招牌 😀."), ("edited", 1, "hm 😀", ""),
        ]
    ],
}  # fmt: skip
"""What version 0001 had written."""


@pytest.fixture
async def old(bare_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of the first version, with a chat in it, opened by today's."""
    database = Database(database_url(bare_url, tmp_path / "chat.db"))
    async with database.writing() as connection:
        await connection.run_sync(_as_it_was)
    await database.open()
    yield database
    await database.close()


def _as_it_was(connection: Connection) -> None:
    upgrade(connection, "0001")
    for table, rows in _ROWS.items():
        names = ", ".join(rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), rows)


def _answer(turn: str, position: int) -> Answer:
    return Answer(parts_of("hm", f"{turn} {position}"), "stop", line="x", feedback=1 if position == 1 else None)


async def test_old_rows_come_out_the_same(old: Database, tmp_path: Path) -> None:
    thread = await History(old, tmp_path).of("u").load("t")
    assert thread
    pictures = [Picture(str(tmp_path / f"t/{n}.png"), "招牌", n + 1, 9) for n in (0, 1)]
    second = [_answer("second", 0), Answer(parts_of("hm", "second 2"), "stop", line="x", feedback=2)]  # type: ignore[arg-type]
    edited = [
        Answer(parts_of(text="招牌 😀."), "stop", line="x"),
        Answer(parts_of("hm 😀"), "stop", line="x", feedback=1),
    ]
    assert thread.conversation == Conversation(
        [
            Turn("first", "What?", pictures, [_answer("first", 0), _answer("first", 1)], 1, "p", ""),
            Turn("second", "", [], second, 0, "second", "first"),
            Turn("third", "?", [], [], -1, "3", "second"),
        ],
        [Turn("edited", "Why?", [], edited, 1, "p", "")],
    )
    assert (thread.owner, thread.name, thread.preset, thread.settings, thread.created) == (
        "anna", "A chat", "describe", {"temperature": 0.3}, 2.5,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
async def test_an_old_answer_is_shown_with_the_line_that_was_kept(
    old: Database, tmp_path: Path, language: Language
) -> None:
    thread = await History(old, tmp_path).of("u").load("t")
    assert thread
    answer = thread.conversation.turns[0].answer
    assert answer
    assert (answer.figures, footer_line(answer, language)) == (None, "x")


async def test_an_old_answer_that_is_continued_has_figures_instead_of_its_line(old: Database, tmp_path: Path) -> None:
    history = History(old, tmp_path)
    thread = await history.of("u").load("t")
    assert thread
    assert thread.copy
    turn = thread.conversation.turns[0]
    assert turn.answer
    turn.answer.add(Piece(Kind.ANSWER, " and on"))
    turn.answer.figures, turn.answer.line = Figures("kimi"), ""
    await history.save(thread.copy, [turn], {}, "third")
    again = await history.of("u").load("t")
    assert again
    answer = again.conversation.turns[0].answer
    assert answer
    assert (answer.text, footer_line(answer, "en")) == ("first 1 and on", "kimi")


async def test_an_old_thread_can_be_continued(old: Database, tmp_path: Path) -> None:
    history = History(old, tmp_path)
    thread = await history.of("u").load("t")
    assert thread
    assert thread.copy
    stale = Copy("u", "t", kept=True)
    turn = thread.conversation.turns[0]
    turn.answers.append(Answer(parts_of(text="new"), ending="stop"))
    turn.choose(turn.answers[-1].id)
    await history.save(thread.copy, [turn], thread.settings, "third")
    again = await history.of("u").load("t")
    assert again
    assert again.conversation.turns == thread.conversation.turns
    news = await history.news(stale)
    assert news
    assert [turn.id for turn in news.turns] == ["first"]


async def test_its_threads_get_the_name_of_their_first_file_and_are_not_pinned(old: Database) -> None:
    [entry] = (await list_threads(old, "u", 9)).entries
    assert (entry.file, entry.pinned) == ("招牌", False)
