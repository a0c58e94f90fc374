"""Several sessions with one thread, in one or more web processes: saves are merged, and each gets the result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.errors import HistoryError
from app.history.copies import Copy
from app.history.database import Database, database_url
from app.history.merging import Merged, merge
from app.history.store import History
from app.history.users import Users
from app.talk.conversation import Answer, Conversation, Turn, new_id
from engine.reasoning_tags import Kind, Piece
from tests.instruments.answers import parts_of
from tests.unit.app.history.test_store import load, somebody


@dataclass
class Tab:
    """A session with the thread open."""

    history: History
    copy: Copy
    conversation: Conversation

    @property
    def turn(self) -> Turn:
        """Its first question."""
        return self.conversation.turns[0]

    async def save(self, *turns: Turn, **settings: object) -> None:
        """As the keeper does."""
        last = self.conversation.turns[-1]
        await self.history.save(self.copy, turns or [last], {**self.copy.settings, **settings}, last.id)

    async def answers(self, text: str) -> Answer:
        """Regenerates the answer to the first question."""
        self.turn.answers.append(Answer(parts_of(text=text), ending="stop"))
        self.turn.chosen = len(self.turn.answers) - 1
        await self.save(self.turn)
        return self.turn.answers[-1]

    async def asks(self, text: str, page_id: str = "") -> Turn:
        """Asks one more question, or edits the one with this page id."""
        turn = Turn(new_id(), text, page_id=page_id)
        self.conversation.ask(turn)
        await self.save(turn)
        return turn

    async def catch_up(self) -> Merged:
        """Takes in what others have saved."""
        news = await self.history.news(self.copy)
        assert news
        return merge(self.conversation, self.copy, news)

    @property
    def texts(self) -> list[str]:
        """The answers to the first question that it knows."""
        return [answer.text for answer in self.turn.answers]


@pytest.fixture
async def other_process(url: str, tmp_path: Path, history: History) -> AsyncIterator[History]:
    """The history as another web process on the same database has it."""
    database = Database(database_url(url, tmp_path / "chat.db"))
    await database.open()
    yield History(database, history.uploads)
    await database.close()


@pytest.fixture
async def tabs(history: History, other_process: History, users: Users) -> list[Tab]:
    """Three sessions with one thread, the last one in another process."""
    copy = Copy(await somebody(users), new_id())
    turn = Turn(new_id(), "q", answers=[Answer(parts_of(text="first"), ending="stop")], chosen=0)
    first = Tab(history, copy, Conversation([turn]))
    await first.save(turn)
    return [first, await opened(history, copy), await opened(other_process, copy)]


async def opened(history: History, copy: Copy) -> Tab:
    """The thread, opened now."""
    thread = await history.of(copy.user_id).load(copy.thread_id)
    assert thread
    assert thread.copy
    return Tab(history, thread.copy, thread.conversation)


async def kept(tab: Tab) -> Turn:
    """The first question in the database."""
    conversation = (await load(tab.history, tab.copy.thread_id)).conversation
    return min((*conversation.turns, *conversation.aside), key=lambda turn: turn.asked)


async def test_regenerating_in_an_older_tab_keeps_all_answers(tabs: list[Tab]) -> None:
    one, two, three = tabs
    await one.answers("second")
    await one.answers("third")
    await two.answers("fourth")
    await three.answers("fifth")
    turn = await kept(one)
    assert [answer.text for answer in turn.answers] == ["first", "second", "third", "fourth", "fifth"]
    assert turn.answer
    assert turn.answer.text == "fifth"
    for tab in tabs:
        await tab.catch_up()
        assert tab.texts == ["first", "second", "third", "fourth", "fifth"]
        assert tab.turn.chosen == 4
    assert [len({answer.id for answer in tab.turn.answers}) for tab in tabs] == [5, 5, 5]


async def test_a_text_that_has_grown_is_not_replaced_by_an_older_copy(tabs: list[Tab]) -> None:
    one, two, _ = tabs
    answer = one.turn.answers[0]
    for length in (300, 600):
        answer.parts = parts_of(text="first " + "x" * length)
        await one.save(one.turn)
        # The other one knows less of it, and has even changed that.
        two.turn.answers[0].line = f"a line of {length}"
        await two.save(two.turn)
        assert [answer.text for answer in (await kept(one)).answers] == ["first " + "x" * length]
    await two.catch_up()
    assert two.texts == ["first " + "x" * 600]


async def test_a_session_writes_only_what_it_has_changed(tabs: list[Tab]) -> None:
    one, two, _ = tabs
    await one.save(one.turn, temperature=0.9)
    await one.answers("second")
    await one.history.of(one.copy.user_id).rate(one.turn.answers[0].id, 1, "good")
    # Which answer counts, the settings and the feedback are as the older tab knows them.
    await two.save(two.turn, top_p=0.5)
    turn = await kept(one)
    assert (turn.chosen, turn.answers[0].feedback, turn.answers[0].comment) == (1, 1, "good")
    assert (await load(one.history, one.copy.thread_id)).settings == {"temperature": 0.9, "top_p": 0.5}


async def test_an_answer_continued_in_two_tabs_ends_as_two(tabs: list[Tab]) -> None:
    for number, tab in enumerate(tabs):
        tab.turn.answers[0].add(Piece(Kind.ANSWER, f" and on {number}"))
        await tab.history.save_answers([(tab.copy, tab.turn, tab.turn.answers[0])])
    for number, tab in enumerate(tabs):
        tab.turn.answers[0].add(Piece(Kind.ANSWER, f" to the end {number}"))
        await tab.save(tab.turn)
    expected = [f"first and on {number} to the end {number}" for number in range(3)]
    assert [answer.text for answer in (await kept(tabs[0])).answers] == expected
    for tab in tabs:
        await tab.catch_up()
        assert tab.texts == expected
    assert {tab.turn.answers[0].id for tab in tabs} == {tabs[0].turn.answers[0].id}


async def test_questions_asked_at_once_become_versions_of_one_another(tabs: list[Tab]) -> None:
    one, two, _ = tabs
    first, second = await one.asks("one asks"), await two.asks("two asks")
    for tab in tabs:
        await tab.catch_up()
    assert [len(tab.conversation.versions(tab.conversation.turns[1])) for tab in tabs] == [2, 2, 2]
    # Each goes on with its own; one that had asked nothing sees the latest.
    assert [tab.conversation.turns[1].id for tab in tabs] == [first.id, second.id, second.id]


async def test_what_is_asked_below_the_last_turn_is_shown_at_the_end(tabs: list[Tab]) -> None:
    one, two, _ = tabs
    await one.asks("second?")
    await one.asks("third?")
    merged = await two.catch_up()
    assert [turn.text for turn in merged.added] == ["second?", "third?"]
    assert [turn.text for turn in two.conversation.turns] == ["q", "second?", "third?"]
    assert (await two.catch_up()) == Merged()


async def test_an_edit_in_another_tab_adds_a_version_and_leaves_the_branch_shown(tabs: list[Tab]) -> None:
    one, two, _ = tabs
    edited = await one.asks("Q", one.turn.page_id)
    merged = await two.catch_up()
    assert [turn.text for turn in two.conversation.turns] == ["q"]
    assert [turn.id for turn in merged.changed] == [two.turn.id]
    assert two.conversation.place(two.turn) == (1, 2)
    assert [turn.id for turn in two.conversation.aside] == [edited.id]


async def test_an_answer_taken_out_goes_in_the_other_tab_too_unless_it_has_grown_there(tabs: list[Tab]) -> None:
    one, two, three = tabs
    second = await one.answers("")
    await two.catch_up()
    two.turn.answers[1].parts = parts_of(text="not empty any more")
    await two.save(two.turn)
    one.copy.removed.add(second.id)
    one.turn.answers, one.turn.chosen = one.turn.answers[:1], 0
    await one.save(one.turn)
    assert [answer.text for answer in (await kept(one)).answers] == ["first", "not empty any more"]
    # Once it is up to date, the deletion works.
    await one.catch_up()
    await three.catch_up()
    one.copy.removed.add(second.id)
    await one.save(one.turn)
    await three.catch_up()
    assert three.texts == ["first"]


async def test_an_answer_written_again_after_it_was_taken_out_is_news_to_all(tabs: list[Tab]) -> None:
    one, two, three = tabs
    again = await one.answers("")
    await two.catch_up()
    await three.catch_up()
    one.copy.removed.add(again.id)
    one.turn.answers, one.turn.chosen = one.turn.answers[:1], 0
    await one.save(one.turn)
    # Does not know that yet, and has gone on with it.
    two.turn.answers[1].parts = parts_of(text="said after all")
    await two.save(two.turn)
    for tab in (one, three):
        await tab.catch_up()
        assert tab.texts == ["first", "said after all"]


async def test_saving_at_once_in_several_processes_leaves_each_answer_a_place_of_its_own(tabs: list[Tab]) -> None:
    await asyncio.gather(*(tab.answers(f"{round_} of {n}") for round_ in range(5) for n, tab in enumerate(tabs)))
    turn = await kept(tabs[0])
    assert sorted(answer.text for answer in turn.answers[1:]) == sorted(
        f"{r} of {n}" for r in range(5) for n in range(3)
    )
    for tab in tabs:
        await tab.catch_up()
    assert len({tuple(answer.id for answer in tab.turn.answers) for tab in tabs}) == 1


async def test_a_save_that_fails_leaves_the_session_as_it_was_and_can_be_repeated(
    tabs: list[Tab], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, _ = tabs
    await one.answers("second")
    two.turn.answers[0].add(Piece(Kind.ANSWER, " and on"))
    with monkeypatch.context() as patched:
        patched.setattr("app.history.store._merged_settings", _fail)
        with pytest.raises(HistoryError):
            await two.save(two.turn, temperature=1)
    assert [answer.text for answer in (await kept(one)).answers] == ["first", "second"]
    await two.save(two.turn, temperature=1)
    assert [answer.text for answer in (await kept(one)).answers] == ["first and on", "second"]


async def _fail(*_: object) -> str:
    raise HistoryError("the disk is full")
