"""The sidebar's list: the latest first, a page at a time, searched, of one person only."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import update

from app.conversation import Answer, Turn, new_id
from app.history.copies import Copy
from app.history.listing import MOST, list_threads
from app.history.store import History
from app.history.tables import threads
from app.history.users import Users


async def fill(history: History, user: str, questions: Sequence[str], answer: str = "") -> list[str]:
    """Makes a thread for each question, one second after the other; returns their ids."""
    made = []
    for second, question in enumerate(questions):
        thread = new_id()
        turn = Turn(new_id(), question, answers=[Answer(text=answer)] if answer else [], chosen=0 if answer else -1)
        await history.save(Copy(user, thread), [turn], {}, turn.id)
        async with history.database.writing() as connection:
            await connection.execute(update(threads).where(threads.c.id == thread).values(updated=1000.5 + second // 2))
        made.append(thread)
    return made


async def names(history: History, user: str, search: str) -> list[str]:
    page = await list_threads(history.database, user, 100, search=search)
    return sorted(entry.name for entry in page.entries)


async def test_pages_hold_every_thread_once_the_latest_first(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    made = await fill(history, user, [f"question {n}" for n in range(23)])
    seen, cursor, sizes = [], None, []
    while True:
        page = await list_threads(history.database, user, 5, cursor=cursor)
        seen += page.entries
        sizes.append(len(page.entries))
        if not page.more:
            break
        cursor = page.entries[-1].cursor
    assert sizes == [5, 5, 5, 5, 3]
    assert {entry.id for entry in seen} == set(made)
    assert [(entry.updated, entry.id) for entry in seen] == sorted(
        ((entry.updated, entry.id) for entry in seen), reverse=True
    )


async def test_one_person_never_sees_anothers_threads(history: History, users: Users) -> None:
    anna, bert = (await users.get("anna")).id, (await users.get("bert")).id
    await fill(history, anna, ["anna's secret"])
    await fill(history, bert, ["bert's secret"])
    assert await names(history, anna, "") == ["anna's secret"]
    assert await names(history, bert, "secret") == ["bert's secret"]


async def test_the_search_looks_into_names_questions_and_answers(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    await fill(history, user, ["What is 100%?", "The SIGN", "图中店铺名称是什么?"])
    await fill(history, user, ["another"], answer="Total_due: 5")
    assert await names(history, user, "sign") == ["The SIGN"]
    assert await names(history, user, "100%") == ["What is 100%?"]
    assert await names(history, user, "0%?") == ["What is 100%?"]
    assert await names(history, user, "total_") == ["another"]
    assert await names(history, user, "total.") == []
    assert await names(history, user, " 店铺 ") == ["图中店铺名称是什么?"]
    assert len(await names(history, user, "  ")) == 4


async def test_feedback_can_be_asked_for(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    [first, _] = await fill(history, user, ["a", "b"], answer="yes")
    thread = await history.of(user).load(first)
    assert thread
    await history.of(user).rate(thread.conversation.turns[0].answers[0].id, 0)
    bad = await list_threads(history.database, user, 10, feedback=0)
    good = await list_threads(history.database, user, 10, feedback=1)
    assert ([entry.id for entry in bad.entries], good.entries) == ([first], [])


@pytest.mark.parametrize("cursor", ["nonsense", "", "12", "nan/x", "inf/"])
async def test_a_cursor_of_somebodys_own_making_does_no_harm(history: History, users: Users, cursor: str) -> None:
    user = (await users.get("anna")).id
    await fill(history, user, ["a"])
    page = await list_threads(history.database, user, -1, cursor=cursor)
    assert len(page.entries) <= 1
    assert len((await list_threads(history.database, user, 10**9, cursor=None)).entries) <= MOST
