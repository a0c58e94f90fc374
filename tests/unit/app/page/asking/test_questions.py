"""Questions that are answered, stopped or left while they wait: each is answered once, or kept with a Retry."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import chainlit as cl
import pytest
from chainlit.context import init_ws_context

from app.history.store import History
from app.history.users import Users
from app.i18n import text
from app.page.callbacks import Callbacks
from app.page.chat import Chat
from app.page.incoming import arrivals
from app.page.left_chats import LeftChats
from app.page.live_chats import chat_of, stop_all
from app.page.threads.saving import Keeper
from app.presets import Presets
from app.talk.conversation import Answer, Turn
from app.talk.figures import Figures
from app.turn import run as turns
from app.turn.job import Job
from tests.instruments import waiting
from tests.instruments.answers import parts_of
from tests.unit.app.history.test_store import load, somebody
from tests.unit.app.sessions import Session

until = partial(waiting.until, seconds=20)
NOBODY: Any = None
"""What no question without files asks for anything."""


@pytest.fixture
def url() -> str:
    """The statements are tested elsewhere: SQLite will do."""
    return ""


class Desk:
    """A chat whose engine answers when the test lets it."""

    def __init__(self, history: History, users: Users, session: Session, folder: Path) -> None:
        self.history = history
        self.session = session
        self.came: list[str] = []
        self.asked: list[str] = []
        self.free = asyncio.Event()
        keeper = Keeper(history, users)
        self._callbacks = Callbacks(NOBODY, NOBODY, keeper, Presets(folder), NOBODY, host=NOBODY)
        self._arrivals = arrivals._Arrivals(keeper, self._callbacks.returned, self._callbacks.warm_ups)

    @property
    def left(self) -> LeftChats:
        return self._callbacks.left

    @property
    def chat(self) -> Chat:
        return chat_of(self.session)

    async def question(self, session: Session, payload: Any) -> None:
        """As Chainlit's `process_message`."""
        init_ws_context(session)
        self.came.append(payload["message"]["output"])
        message = cl.Message(id=payload["message"]["id"], content=payload["message"]["output"])
        await self._callbacks.message(message)

    async def leave(self) -> None:
        """The page begins a new chat."""
        init_ws_context(self.session)
        self.session.to_clear = True
        await self._callbacks.end()

    async def answer(self, state: Any, job: Job, view: Any) -> Figures:
        """As the engine."""
        self.asked.append(job.turns[-1].text)
        await self.free.wait()
        job.answer.parts = parts_of(text=f"{job.turns[-1].text} indeed.")
        return Figures("model")

    async def ask(self, words: str) -> str:
        """Sends a question; its id."""
        ident = str(uuid.uuid4())
        assert await self._arrivals.asked(self.session.socket_id, {"message": {"id": ident, "output": words}}) == {}
        return ident

    async def edit(self, ident: str, words: str) -> None:
        """Sends a question's new words."""
        payload: Any = {"message": {"id": ident, "output": words}, "fileReferences": None}
        await self._arrivals.edited(self.session.socket_id, payload)

    async def kept(self) -> list[Turn]:
        """The turns of the branch that the history has."""
        return (await load(self.history, self.session.thread_id)).conversation.turns


@pytest.fixture
async def desk(history: History, users: Users, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Desk]:
    session = Session(await somebody(users), "anna")
    init_ws_context(session)
    desk = Desk(history, users, session, tmp_path / "presets")
    monkeypatch.setattr(arrivals, "process_message", desk.question)
    monkeypatch.setattr(turns, "run", desk.answer)
    yield desk
    desk.free.set()
    await until(lambda: not desk.chat.tasks)
    await session.delete()


async def test_each_question_is_answered_once_and_in_its_order(desk: Desk) -> None:
    desk.free.set()
    for words in ("one", "two", "three"):
        await desk.ask(words)
    await until(lambda: not desk.chat.tasks)
    assert desk.asked == ["one", "two", "three"]
    assert [[answer.text for answer in turn.answers] for turn in await desk.kept()] == [
        ["one indeed."], ["two indeed."], ["three indeed."],
    ]  # fmt: skip


async def test_waiting_questions_are_kept_before_the_page_stops(desk: Desk) -> None:
    for words in ("one", "two", "three"):
        await desk.ask(words)
    await until(lambda: desk.asked and desk.came[-1] == "three")
    await stop_all(20)
    assert desk.asked == ["one"]
    assert [turn.text for turn in await desk.kept()] == ["one", "two", "three"]
    assert not desk.chat.tasks


@pytest.mark.parametrize("edited", [False, True])
async def test_a_question_that_is_stopped_while_it_is_saved_can_be_retried(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, edited: bool
) -> None:
    desk.free.set()
    ident = await desk.ask("one")
    await until(lambda: not desk.chat.tasks)
    save, saving, go_on = desk.history.save, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any) -> None:
        saving.set()
        await go_on.wait()
        await save(*args)

    monkeypatch.setattr(desk.history, "save", slow)
    if edited:
        await desk.edit(ident, "two")
    else:
        await desk.ask("two")
    await saving.wait()
    await arrivals.stop(desk.session.socket_id)
    go_on.set()
    await until(lambda: not desk.chat.tasks)
    assert desk.asked == ["one"]
    last = (await desk.kept())[-1]
    assert (last.text, last.answers) == ("two", [])
    shown = [step["output"] for step in desk.session.heard("new_message") if step.get("isError")]
    assert shown == [text("unanswered", "en")]


async def test_an_edit_that_waits_is_kept_when_its_page_has_gone(desk: Desk) -> None:
    desk.free.set()
    ident = await desk.ask("one")
    await until(lambda: not desk.chat.tasks)
    desk.free.clear()
    await desk.ask("two")
    await until(lambda: len(desk.asked) == 2)
    await desk.edit(ident, "other")
    await until(lambda: desk.came[-1] == "other")
    desk.chat.give_up()
    await until(lambda: not desk.chat.tasks)
    assert [turn.text for turn in await desk.kept()] == ["other"]
    assert desk.chat.asked(ident) is desk.chat.conversation.turns[0]
    assert desk.chat.conversation.turns[0].answers == []
    [before, _] = desk.chat.conversation.aside
    assert before.answers == [Answer(parts_of(text="one indeed."), ending="stop", figures=Figures("model"))]
