"""An engine that keeps its connection open but sends no token: the user decides what happens."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from app.talk.conversation import Answer
from app.turn.faults import explain
from app.upstream import client
from app.upstream import progress as pulse
from app.upstream.client import EngineClient
from app.upstream.progress import Pulse
from app.upstream.stall import Patience, Stall
from tests.instruments import waiting
from tests.instruments.scripted_engine import Script
from tests.unit.app.turn.test_run import Desk, desk

until = partial(waiting.until, seconds=60)

__all__ = ["desk"]


class Person:
    """Records the questions about an engine whose silence the test simulates second by second."""

    def __init__(self, patience: Patience) -> None:
        self.asked: list[float | None] = []
        self.beats = 0
        self.keep_waiting = asyncio.Event()
        self.tell = Stall(patience, self.keep_waiting, self._ask).after(self._beat)

    async def _ask(self, seconds: float | None) -> None:
        self.asked.append(seconds)

    async def _beat(self, pulse: Pulse | None) -> None:
        self.beats += 1

    async def silent(self, *seconds: int, begun: bool = True, position: int | None = None) -> None:
        for second in seconds:
            await self.tell(Pulse(second, second, begun, position))


async def test_the_question_comes_at_the_limit_and_goes_with_the_next_token() -> None:
    person = Person(Patience(first=180, idle=60))
    await person.silent(*range(60))
    assert person.asked == []
    await person.silent(*range(60, 85))
    assert person.asked == [60, 70, 80]
    await person.silent(1, 2)
    assert person.asked == [60, 70, 80, None]
    assert person.beats == 87


async def test_the_first_token_may_take_longer_and_the_queue_does_not_count() -> None:
    person = Person(Patience(first=180, idle=60))
    await person.silent(*range(300), begun=False, position=3)
    await person.silent(*range(300, 479), begun=False)
    assert person.asked == []
    await person.silent(479, 480, begun=False)
    assert person.asked == [180]


async def test_keeping_waiting_asks_again_after_the_same_time() -> None:
    person = Person(Patience(first=180, idle=60))
    await person.silent(*range(66))
    person.keep_waiting.set()
    await person.silent(*range(66, 126))
    assert person.asked == [60, None]
    await person.silent(126)
    assert person.asked == [60, None, 126]
    await person.silent(1, *range(1, 61))
    assert person.asked == [60, None, 126, None, 60]


async def test_the_end_of_an_answer_takes_the_question_back() -> None:
    person = Person(Patience(first=180, idle=60))
    await person.silent(70)
    await person.tell(None)
    assert person.asked == [70, None]


@pytest.fixture
def impatient(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A turn whose engine may be silent for an instant only."""
    monkeypatch.setattr(pulse, "EVERY_SECONDS", 0.02)
    desk.state.patience = Patience(first=0.2, idle=0.1)
    return desk


async def test_a_stalled_stream_raises_a_question_and_continues_by_itself(impatient: Desk) -> None:
    impatient.engine.script = Script(answer=["An ", "answer."], stall_after=1)
    turn = asyncio.create_task(impatient.ask())
    await until(lambda: impatient.screen.stalls)
    [seconds] = impatient.screen.stalls
    assert seconds is not None
    assert seconds >= 0.1
    assert not turn.done()
    impatient.engine.go.set()
    answer = await turn
    assert answer.text == "An answer."
    # A busy machine may pause once more between the two tokens.
    assert impatient.screen.stalls[:2] == [seconds, None]
    assert impatient.screen.stalls[-1] is None


async def test_an_engine_that_never_begins_raises_a_question_later(impatient: Desk) -> None:
    impatient.engine.script = Script(hold=True)
    turn = asyncio.create_task(impatient.ask())
    await until(lambda: impatient.screen.stalls)
    assert (impatient.screen.stalls[0] or 0) >= 0.2
    impatient.engine.go.set()
    assert (await turn).text == "An answer."


async def test_stopping_a_stalled_stream_keeps_its_text(impatient: Desk) -> None:
    impatient.engine.script = Script(answer=["An ", "answer."], stall_after=1)
    answer = Answer()
    turn = asyncio.create_task(impatient.ask(answer=answer))
    await until(lambda: impatient.screen.stalls)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert answer.text == "An "
    assert impatient.screen.stalls[-1] is None
    await until(lambda: impatient.engine.cancelled)


async def test_without_a_choice_the_wait_ends_at_the_hard_limit(
    impatient: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_noticed(client: EngineClient) -> bool:
        return False

    monkeypatch.setattr(client, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(impatient.state, "noticed", not_noticed)
    impatient.engine.script = Script(answer=["An ", "answer."], stall_after=1)
    answer = Answer()
    with pytest.raises(Exception) as failure:  # noqa: PT011 - which one, is the engine client's business
        await impatient.ask(answer=answer)
    assert explain(failure.value).key == "engine_silent"
    assert answer.text == "An "
    assert impatient.screen.stalls[-1] is None
