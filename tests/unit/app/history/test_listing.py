"""The list of chats in the sidebar: newest first, in pages, searchable, for one person only."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import pytest
from chainlit.types import Pagination, ThreadFilter
from sqlalchemy import text, update

from app.history import listing
from app.history.copies import Copy
from app.history.database import Database, SlowQueryError
from app.history.listing import MOST, Page, Searches, list_threads
from app.history.store import History, title
from app.history.tables import threads, turns
from app.history.users import Users
from app.page.threads.data_layer import DataLayer, iso
from app.talk.conversation import Answer, Picture, Turn, new_id
from tests.instruments.answers import parts_of


async def fill(history: History, user: str, questions: Sequence[str], answer: str = "") -> list[str]:
    """Makes a thread for each question, one second after the other; returns their ids."""
    made = []
    for second, question in enumerate(questions):
        thread = new_id()
        turn = Turn(
            new_id(), question, answers=[Answer(parts_of(text=answer))] if answer else [], chosen=0 if answer else -1
        )
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


async def test_one_person_never_sees_another_persons_threads(history: History, users: Users) -> None:
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


class Held:
    """A fake database search: each one runs until the test sets `go`."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.began: list[tuple[str, str]] = []

    async def __call__(self, database: Database, user_id: str, first: int, **wanted: Any) -> Page:
        self.began.append((user_id, wanted["search"]))
        await self.go.wait()
        return Page([], more=False)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_of_one_persons_searches_the_latest_count_and_others_do_not_wait_for_them(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held()
    monkeypatch.setattr(listing, "list_threads", held)
    searches = Searches(history.database)
    typed = []
    for number in range(8):
        typed.append(asyncio.create_task(searches.list_threads("anna", 10, search=str(number))))
        await settled()
    other = asyncio.create_task(searches.list_threads("bert", 10, search="b"))
    await settled()
    assert held.began == [("anna", "0"), ("bert", "b")]
    held.go.set()
    await other
    results = await asyncio.gather(*typed, return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Page", *["LineFullError"] * 3, *["Page"] * 4]


async def test_searches_of_many_people_leave_connections_for_their_lists(
    history: History, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = (await users.get("anna")).id
    await fill(history, user, ["a"])
    held = Held()
    searches = Searches(history.database)

    async def slow(database: Database, user_id: str, first: int, **wanted: Any) -> Page:
        # As long as it takes, it has a connection.
        async with database.reading():
            return await held(database, user_id, first, **wanted)

    with monkeypatch.context() as patched:
        patched.setattr(listing, "list_threads", slow)
        running = [asyncio.create_task(searches.list_threads(f"person {n}", 10, search="x")) for n in range(40)]
        await settled()
    async with asyncio.timeout(10):
        assert len((await list_threads(history.database, user, 10)).entries) == 1
    held.go.set()
    await asyncio.gather(*running)


async def test_a_search_that_takes_too_long_is_ended(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    await fill(history, user, ["a"])
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(SlowQueryError):
        async with asyncio.timeout(30), history.database.reading(0.2) as connection:
            await connection.execute(text(endless))
    # The connection is good for the next one, which has as long as it needs.
    assert len((await list_threads(history.database, user, 10, search="a", seconds=10)).entries) == 1
    async with history.database.reading() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1


async def test_a_thread_of_any_time_is_listed(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    threads_of_anna = await fill(history, user, ["a", "b"])
    layer = DataLayer(history, users)
    for thread, updated in zip(threads_of_anna, (5e11, -1e300), strict=True):
        async with history.database.writing() as connection:
            await connection.execute(update(threads).where(threads.c.id == thread).values(updated=updated))
    page = await layer.list_threads(Pagination(first=10), ThreadFilter(userId=user))
    assert [entry["createdAt"][:4] for entry in page.data] == ["9999", "1970"]
    assert [iso(value)[:4] for value in (math.inf, math.nan, -5.0, 253402300800.0)] == ["1970", "1970", "1970", "9999"]


async def test_pinned_threads_come_first_in_every_section(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    made = await fill(history, user, [f"question {n}" for n in range(7)])
    own = history.of(user)
    await own.change(made[0], pinned=True)
    await own.change(made[3], pinned=True)
    await history.of((await users.get("bert")).id).change(made[5], pinned=True)
    seen: list[listing.Entry] = []
    while True:
        page = await list_threads(history.database, user, 2, cursor=seen[-1].cursor if seen else None)
        seen += page.entries
        if not page.more:
            break
    assert [entry.id for entry in seen[:2]] == [made[3], made[0]]
    assert [entry.pinned for entry in seen] == [True, True, *[False] * 5]
    assert len({entry.id for entry in seen}) == 7
    await own.change(made[0], pinned=False)
    page = await list_threads(history.database, user, 7)
    assert [entry.id for entry in page.entries if entry.pinned] == [made[3]]


async def test_a_hit_of_a_search_shows_the_words_around_it_and_its_message(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    [named, asked, said] = await fill(history, user, ["A receipt", "x" * 500 + " the RECEIPT of May", "another"])
    long = Answer(parts_of(text="So many\nwords. " * 50 + "Here is the receipt\nagain: 100% tea."))
    turn = Turn(new_id(), "next", answers=[long], chosen=0, page_id="on the page")
    await history.save(Copy(user, said), [turn], {}, turn.id)
    await history.of(user).change(named, name="Renamed receipt")
    async with history.database.writing() as connection:
        await connection.execute(update(turns).where(turns.c.thread_id == named).values(text="nothing here"))
    page = await list_threads(history.database, user, 9, search="receipt")
    places = {entry.id: entry.place for entry in page.entries}
    assert set(places) == {named, asked, said}
    assert places[named] is None
    found, answered = places[asked], places[said]
    assert found
    assert found.words.startswith("…xxx")
    assert found.words.endswith("xx the RECEIPT of May")
    assert answered
    assert answered.message == "on the page"
    assert answered.words.startswith("…")
    assert answered.words.endswith("Here is the receipt again: 100% tea.")
    assert len(answered.words) < 200
    page = await list_threads(history.database, user, 9, search="100%")
    assert [entry.place.words[-16:] for entry in page.entries if entry.place] == ["again: 100% tea."]
    assert all(entry.place is None for entry in (await list_threads(history.database, user, 9)).entries)


async def test_an_entry_names_its_first_file(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    thread = new_id()
    await history.of(user).begin(thread, "What is it?", "")
    picture = Picture(str(history.uploads / thread / "a.png"), "receipt.pdf (1)", 1, 1)
    turn = Turn(new_id(), "What is it?", [picture])
    await history.save(Copy(user, thread), [turn], {}, turn.id)
    page = await list_threads(history.database, user, 9)
    assert [(entry.name, entry.file) for entry in page.entries] == [("What is it?", "receipt.pdf (1)")]


async def test_a_made_title_replaces_only_the_name_that_the_first_question_gave(history: History, users: Users) -> None:
    user = (await users.get("anna")).id
    own = history.of(user)
    [first, renamed] = await fill(history, user, ["What is\nit?", "And this?"])
    await own.change(renamed, name="Mine")
    assert await own.retitle(first, title("What is\nit?"), "A shop sign")
    assert not await own.retitle(renamed, title("And this?"), "A shop sign")
    assert not await history.of((await users.get("bert")).id).retitle(first, "A shop sign", "Bert's")
    assert await names(history, user, "") == ["A shop sign", "Mine"]
