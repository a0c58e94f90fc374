"""Three tabs in two web processes on one chat, in random order: ask, edit, regenerate, continue, branch, Stop, kills.

Callbacks, keeper, store and databases are real; only the engine is scripted. Everything that was saved is there at the
end, in every tab too, and exactly once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chainlit as cl
import pytest
from chainlit.context import init_ws_context
from sqlalchemy.ext.asyncio import AsyncConnection

from app.errors import HistoryError
from app.history import autosave
from app.history.copies import Copy
from app.history.database import Database, database_url
from app.history.store import History
from app.history.users import Users
from app.page import in_step
from app.page.answer import buttons
from app.page.answer.view import AnswerView
from app.page.callbacks import Callbacks
from app.page.chat import Chat
from app.page.in_step import InStep
from app.page.live_chats import chat_of
from app.page.threads import resuming
from app.page.threads.data_layer import head_dict
from app.page.threads.saving import Keeper
from app.talk.conversation import Answer, Turn, new_id
from app.talk.figures import Figures
from app.turn.job import Job
from engine.reasoning_tags import Kind, Piece
from tests.unit.app.sessions import Session

BUTTONS = ("regenerate", "continue", "previous", "next", "earlier_question", "later_question", "retry")
STEPS = 25


@dataclass
class Confirmed:
    """What has been saved."""

    questions: dict[str, str] = field(default_factory=dict)
    """Text by the turn's id."""
    answers: set[tuple[str, str, str]] = field(default_factory=set)
    """Turn's id, reasoning, text."""

    def saw(self, turn: Turn, answers: Sequence[tuple[str, str]]) -> None:
        self.answers |= {(turn.id, reasoning, text) for reasoning, text in answers if reasoning or text}


class MortalDatabase(Database):
    """A process's connection: nothing is written any more once the process has been killed, not even what was begun."""

    dead = False

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        self._look()
        async with super().writing() as connection:
            yield connection
            self._look()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        self._look()
        async with super().reading() as connection:
            yield connection

    def _look(self) -> None:
        if self.dead:
            raise HistoryError("the process was killed")


class NotingHistory(History):
    """Notes what has been saved, as it was when the saving began."""

    confirmed: Confirmed

    async def save(self, copy: Copy, asked: Sequence[Turn], *rest: Any) -> None:
        texts = [[(answer.reasoning, answer.text) for answer in turn.answers] for turn in asked]
        await super().save(copy, asked, *rest)
        for turn, answers in zip(asked, texts, strict=True):
            self.confirmed.questions[turn.id] = turn.text
            self.confirmed.saw(turn, answers)

    async def save_answers(self, given: Sequence[tuple[Copy, Turn, Answer]]) -> None:
        texts = [(answer.reasoning, answer.text) for _, _, answer in given]
        await super().save_answers(given)
        for (_, turn, _), text in zip(given, texts, strict=True):
            self.confirmed.saw(turn, [text])


class Process:
    """A web process with its tabs."""

    def __init__(self, url: str, folder: Path, confirmed: Confirmed) -> None:
        self.database = MortalDatabase(database_url(url, folder / "chat.db"))
        history = NotingHistory(self.database, folder / "uploads")
        history.confirmed = confirmed
        self.keeper = Keeper(history, Users(self.database))
        presets: Any = SimpleNamespace(sample=lambda words: None)
        state: Any = SimpleNamespace(restart_if_failed=_nothing)
        unused: Any = None
        self.callbacks = Callbacks(state, unused, self.keeper, presets, unused, host=unused)
        self.tabs: list[Tab] = []
        self.step = InStep(self.keeper, lambda: [(tab.session, tab.chat) for tab in self.tabs])

    async def open(self, user_id: str, thread_id: str) -> Tab:
        """Opens the chat in a new tab."""
        tab = Tab(self, Session(user_id, "anna", thread_id))
        init_ws_context(tab.session)
        head = await self.keeper.history.of(user_id).head(thread_id)
        assert head
        await resuming.resume(self.keeper, tab.session, tab.chat, head_dict(head), "Kimi-VL")
        self.tabs.append(tab)
        return tab

    async def kill(self) -> None:
        """Kills it between any two of its steps."""
        self.database.dead = True
        await self.end()

    async def end(self) -> None:
        """Ends what is under way, and lets the connections go."""
        for tab in self.tabs:
            await tab.stop()
            await tab.session.delete()
        writer = self.keeper.autosave._writer
        if writer:
            await asyncio.wait([writer])
        await self.database.close()


class Tab:
    """A person's tab: one thing at a time, as the page allows."""

    def __init__(self, process: Process, session: Session) -> None:
        self.process = process
        self.session = session
        self.chat: Chat = chat_of(session)
        self.task: asyncio.Task[None] | None = None

    def act(self, chance: random.Random) -> None:
        """Does something, or presses Stop while an answer is being given."""
        if self.task and not self.task.done():
            if chance.random() < 0.3:
                self.task.cancel()
            return
        turns = self.chat.conversation.turns
        kind = chance.random()
        if kind < 0.15 or not turns:
            self._begin(self._ask(str(chance.random()), new_id()))
        elif kind < 0.25:
            self._begin(self._ask(str(chance.random()), chance.choice(turns).page_id))
        else:
            weights = (5, 9, 1, 1, 1, 1, 1)
            name = chance.choices(BUTTONS, weights)[0]
            # Mostly the first question's: the one that every tab has.
            turn = turns[0] if chance.random() < 0.6 else chance.choice(turns)
            self._begin(self.process.callbacks.presses.act(self.session, self.chat, turn, buttons.BUTTONS[name]))

    async def _ask(self, words: str, page_id: str) -> None:
        message = cl.Message(words, id=page_id)
        await self.process.callbacks.turns.ask(self.session, self.chat, message)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        async def in_context() -> None:
            init_ws_context(self.session)
            await work

        self.task = asyncio.create_task(in_context())

    async def stop(self) -> None:
        """Presses Stop, and waits until all has ended."""
        if self.task:
            while not self.task.done():
                self.task.cancel()
                await asyncio.wait([self.task], timeout=1)
            if not self.task.cancelled():
                self.task.result()
            self.task = None
        # A question that was stopped before it was saved is saved by a task of its own.
        while tasks := self.chat.tasks:
            await asyncio.wait(tasks)

    def texts(self) -> dict[str, list[str]]:
        """The answers of each of its questions."""
        conversation = self.chat.conversation
        return _texts((*conversation.turns, *conversation.aside))


def _texts(turns: Sequence[Turn]) -> dict[str, list[str]]:
    return {turn.id: [f"{a.reasoning}|{a.text}" for a in turn.answers if not a.empty] for turn in turns}


async def _nothing() -> None:
    return


def scripted_engine(chance: random.Random) -> Any:
    """Answers in some words, now and then not to the end; no two words are alike."""

    async def run(state: object, job: Job, view: AnswerView) -> Figures:
        for number in range(chance.randint(0, 6)):
            await asyncio.sleep(chance.choice((0, 0, 0.002, 0.006)))
            thinks = number < 2 and not job.answer.text
            piece = Piece(Kind.REASONING if thinks else Kind.ANSWER, f"{chance.getrandbits(40):x} ")
            job.answer.add(piece)
            await view.show(piece)
        if chance.random() < 0.15:
            raise ConnectionError("the engine is gone")
        return Figures("scripted")

    return run


async def run_schedule(seed: int, url: str, folder: Path) -> None:
    """One chat, some steps, and the result."""
    chance, confirmed = random.Random(seed), Confirmed()
    (folder / "uploads").mkdir()
    processes = [Process(url, folder, confirmed) for _ in range(2)]
    await processes[0].database.open()
    user_id = (await Users(processes[0].database).get("anna")).id
    copy, turn = Copy(user_id, new_id()), Turn(new_id(), "the first question")
    await processes[0].keeper.history.save(copy, [turn], {}, turn.id)
    for at in (0, 0, 1):
        await processes[at].open(user_id, copy.thread_id)
    for _ in range(STEPS):
        at = chance.randrange(2)
        process = processes[at]
        kind = chance.random()
        if kind < 0.06:
            await process.kill()
            processes[at] = Process(url, folder, confirmed)
            for _ in process.tabs:
                await processes[at].open(user_id, copy.thread_id)
        elif kind < 0.2:
            await process.step.look()
        else:
            chance.choice(process.tabs).act(chance)
        await asyncio.sleep(chance.choice((0, 0.001, 0.004, 0.01)))
    await settle(processes)
    thread = await processes[0].keeper.history.of(user_id).load(copy.thread_id)
    assert thread
    everything = (*thread.conversation.turns, *thread.conversation.aside)
    check(everything, confirmed)
    for process in processes:
        for tab in process.tabs:
            assert tab.texts() == _texts(everything)
    for process in processes:
        await process.end()


async def settle(processes: list[Process]) -> None:
    """Presses Stop everywhere, and lets all tabs look at what the others have written."""
    for process in processes:
        for tab in process.tabs:
            await tab.stop()
    # Twice, as they do every other second.
    for process in processes * 2:
        await process.step.look()


def check(turns: Sequence[Turn], confirmed: Confirmed) -> None:
    """Whether all that was confirmed is there, once."""
    assert {turn.id: turn.text for turn in turns}.items() >= confirmed.questions.items()
    by_id = {turn.id: turn for turn in turns}
    lost = [
        (turn_id, reasoning, text)
        for turn_id, reasoning, text in confirmed.answers
        if not any(
            answer.reasoning.startswith(reasoning) and answer.text.startswith(text) for answer in by_id[turn_id].answers
        )
    ]
    assert lost == []
    for turn in turns:
        said = [f"{answer.reasoning}|{answer.text}" for answer in turn.answers if not answer.empty]
        assert len(said) == len(set(said))


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Rounds come quickly, and every tab is connected."""
    monkeypatch.setattr(autosave, "_WRITE_SECONDS", 0.003)
    connected = SimpleNamespace(manager=SimpleNamespace(is_connected=lambda *_: True))
    monkeypatch.setattr(in_step, "sio", connected)
    return monkeypatch


async def test_nothing_that_was_saved_is_lost_whatever_two_tabs_do(
    kind: str, tmp_path: Path, scripted: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    await _schedules(range(12 if kind == "sqlite" else 3), kind, tmp_path, scripted, request)


@pytest.mark.long
async def test_nothing_that_was_saved_is_lost_in_two_hundred_schedules(
    kind: str, tmp_path: Path, scripted: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    await _schedules(range(100, 300 if kind == "sqlite" else 160), kind, tmp_path, scripted, request)


async def _schedules(
    seeds: range, kind: str, folder: Path, scripted: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    for seed in seeds:
        here = folder / str(seed)
        here.mkdir()
        scripted.setattr("app.turn.run.run", scripted_engine(random.Random(-seed)))
        own = request.getfixturevalue("postgres").create() if kind == "postgresql" else ""
        print(f"schedule {seed}")
        await run_schedule(seed, own, here)
