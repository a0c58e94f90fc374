"""A save in one session is shown by the others that have the thread open, once they are free."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from chainlit.context import init_ws_context

from app.errors import HistoryError
from app.history.copies import Copy
from app.history.store import History
from app.history.users import Users
from app.page import in_step
from app.page.chat import Chat
from app.page.in_step import InStep
from app.page.live_chats import chat_of
from app.page.threads import resuming
from app.page.threads.data_layer import head_dict
from app.page.threads.saving import Keeper
from app.talk.conversation import Answer, Turn, new_id
from engine.reasoning_tags import Kind, Piece
from tests.instruments import waiting
from tests.instruments.answers import parts_of
from tests.unit.app.history.test_store import load, somebody
from tests.unit.app.sessions import Session

until = partial(waiting.until, seconds=20)


@pytest.fixture
def url() -> str:
    """The statements are tested elsewhere: SQLite will do."""
    return ""


@dataclass
class World:
    """One chat open in two sessions."""

    keeper: Keeper
    step: InStep
    one: Session
    two: Session
    connected: set[str]

    async def answers(self, text: str, of: int = 0) -> None:
        """The first session regenerates an answer."""
        chat = chat_of(self.one)
        turn = chat.conversation.turns[of]
        turn.answers.append(Answer(parts_of(text=text), ending="stop"))
        turn.choose("")
        assert await self.keeper.save(self.one, chat, turn)

    async def asks(self, text: str, page_id: str = "") -> Turn:
        """The first session asks, or edits."""
        chat, turn = chat_of(self.one), Turn(new_id(), text, page_id=page_id)
        chat.conversation.ask(turn)
        assert await self.keeper.save(self.one, chat, turn)
        return turn

    @property
    def other(self) -> Chat:
        """The second session's."""
        return chat_of(self.two)

    @property
    def shown(self) -> str:
        """All that the second session's browser has got of messages."""
        steps = [data for name, data in self.two.events if name.endswith("_message") and isinstance(data, dict)]
        return "\n".join(step["output"] for step in steps if step.get("output"))

    def offers(self, place: str) -> bool:
        """Whether its browser has got a button with this place among versions."""
        return any(place in str(action) for action in self.two.heard("action"))


@pytest.fixture
async def world(history: History, users: Users, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The chat has a question with an answer."""
    copy = Copy(await somebody(users), new_id())
    turn = Turn(new_id(), "q", answers=[Answer(parts_of(text="first"))], chosen=0)
    await history.save(copy, [turn], {}, turn.id)
    keeper = Keeper(history, users)
    sessions = [Session(copy.user_id, "anna", copy.thread_id) for _ in range(2)]
    for session in sessions:
        init_ws_context(session)
        head = await history.of(copy.user_id).head(copy.thread_id)
        assert head
        await resuming.resume(keeper, session, chat_of(session), head_dict(head), "Kimi-VL")
        session.events.clear()
    init_ws_context(sessions[0])
    connected = {session.socket_id for session in sessions}
    manager: Any = SimpleNamespace(is_connected=lambda sid, _: sid in connected)
    monkeypatch.setattr(in_step, "sio", SimpleNamespace(manager=manager))
    step = InStep(keeper, lambda: [(session, chat_of(session)) for session in sessions])
    yield World(keeper, step, sessions[0], sessions[1], connected)
    for session in sessions:
        await session.delete()


async def test_another_answer_a_question_and_a_version_are_shown(world: World) -> None:
    await world.answers("second")
    await world.step.look()
    assert world.shown.endswith("second")
    assert world.offers("1/2")
    later = await world.asks("And then?")
    await world.step.look()
    assert world.shown.endswith("And then?")
    # It is being answered over there: there is nothing to retry.
    assert not [step for _, step in world.two.events if isinstance(step, dict) and step.get("isError")]
    await world.answers("Then this.", of=1)
    await world.step.look()
    assert world.shown.endswith("Then this.")
    assert [turn.id for turn in world.other.conversation.turns][1:] == [later.id]
    await world.asks("And now?", later.page_id)
    await world.step.look()
    assert [turn.text for turn in world.other.conversation.turns] == ["q", "And then?"]
    assert world.offers("2/2")
    # The session that did all that has heard none of it.
    assert world.one.events == []


async def test_a_session_in_the_middle_of_an_answer_gets_it_afterwards(world: World) -> None:
    async with world.other.one_turn():
        await world.answers("second")
        await world.step.look()
        assert world.two.events == []
        assert len(world.other.conversation.turns[0].answers) == 1
    await world.step.look()
    assert world.shown.endswith("second")


async def test_a_browser_that_is_away_gets_it_when_it_is_back(world: World) -> None:
    world.connected.remove(world.two.socket_id)
    await world.answers("second")
    await world.step.look()
    assert world.two.events == []
    world.connected.add(world.two.socket_id)
    await world.step.look()
    assert world.shown.endswith("second")


async def test_unsaved_changes_are_not_overwritten_by_a_merge(
    world: World, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = world.other.conversation.turns[0]
    mine.answers[0].add(Piece(Kind.ANSWER, " and on"))
    save = history.save

    async def fails(*_: object) -> None:
        raise HistoryError("the disk is full")

    init_ws_context(world.two)
    monkeypatch.setattr(history, "save", fails)
    assert await world.keeper.save(world.two, world.other, mine)
    monkeypatch.setattr(history, "save", save)
    await world.answers("second")
    await world.step.look()
    assert mine.answers[0].text == "first and on"
    assert await world.keeper.save(world.two, world.other, mine)
    await world.step.look()
    kept = (await load(history, world.one.thread_id)).conversation.turns[0]
    assert [answer.text for answer in kept.answers] == [answer.text for answer in mine.answers] == [
        "first and on", "second",
    ]  # fmt: skip


async def test_a_write_here_is_shown_at_once_and_one_elsewhere_at_the_next_look(
    world: World, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_step, "_LOOK_SECONDS", 1e6)
    keeping = asyncio.create_task(world.step.keep())
    await world.answers("second")
    await until(lambda: world.shown.endswith("second"))
    keeping.cancel()
    monkeypatch.setattr(in_step, "_LOOK_SECONDS", 0.05)
    keeping = asyncio.create_task(world.step.keep())
    elsewhere = await history.of(chat_of(world.one).copy.user_id).load(world.one.thread_id)  # type: ignore[union-attr]
    assert elsewhere
    assert elsewhere.copy
    elsewhere.conversation.turns[0].answers[0].add(Piece(Kind.ANSWER, ", and longer"))
    await history.save(elsewhere.copy, elsewhere.conversation.turns, {}, elsewhere.copy.last)
    await until(lambda: "first, and longer" in [a.text for a in world.other.conversation.turns[0].answers])
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_writes_here_have_only_threads_looked_up_that_several_sessions_have_open(
    world: World, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    revisions = history.revisions

    async def counted(copies: Sequence[Copy]) -> list[int | None]:
        looked.append(len(copies))
        return await revisions(copies)

    monkeypatch.setattr(history, "revisions", counted)
    monkeypatch.setattr(in_step, "_LOOK_SECONDS", 1e6)
    monkeypatch.setattr(in_step, "_REST_SECONDS", 0)
    keeping = asyncio.create_task(world.step.keep())
    await until(lambda: looked == [2])
    await world.answers("second")
    await until(lambda: world.shown.endswith("second"))
    assert looked == [2, 2]
    world.two.thread_id = new_id()
    await world.answers("third")
    await until(lambda: not world.keeper.written.is_set())
    await asyncio.sleep(0.05)
    assert looked == [2, 2]
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_a_missing_database_is_reported_once(
    world: World, history: History, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> None:
        raise HistoryError("the database does not answer")

    await world.answers("second")
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(history, "revisions", fails)
        for _ in range(3):
            await world.step.look()
    assert caplog.text.count("the database does not answer") == 1
    await world.step.look()
    assert world.shown.endswith("second")


async def test_a_thread_that_was_deleted_is_left_as_it_is_on_the_page(world: World, history: History) -> None:
    copy = chat_of(world.one).copy
    assert copy
    await history.of(copy.user_id).delete(copy.thread_id)
    await world.step.look()
    assert world.two.events == []
    assert len(world.other.conversation.turns) == 1
