"""Answers are saved while they grow, and no save arrives late."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

import pytest

from app.errors import HistoryError
from app.history import autosave
from app.history.copies import Copy
from app.history.store import History
from app.history.users import Users
from app.talk.conversation import Answer, Turn, new_id
from engine.reasoning_tags import Kind, Piece
from tests.instruments import waiting
from tests.instruments.answers import parts_of
from tests.unit.app.history.test_store import load, somebody

_PATIENCE = 20
until = partial(waiting.until, seconds=_PATIENCE)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds come one after another."""
    monkeypatch.setattr(autosave, "_WRITE_SECONDS", 0.02)


async def asked(history: History, user: str) -> tuple[Copy, Turn]:
    """A thread with a question, as the session knows it that has asked."""
    copy, turn = Copy(user, new_id()), Turn(new_id(), "q")
    await history.save(copy, [turn], {}, turn.id)
    return copy, turn


async def kept(history: History, copy: Copy) -> list[str]:
    """The answers in the database."""
    return [answer.text for answer in (await load(history, copy.thread_id)).conversation.turns[0].answers]


async def test_all_that_are_given_are_written_together(
    history: History, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, writer, rounds = await somebody(users), autosave.Autosave(history), []
    threads = [await asked(history, user) for _ in range(3)]
    save = history.save_answers

    async def noted(given: list[tuple[Copy, Turn, Answer]]) -> None:
        await save(given)
        rounds.append(sorted(answer.text for _, _, answer in given))

    monkeypatch.setattr(history, "save_answers", noted)
    given = [Answer() for _ in threads]
    async with writer.writing(*threads[0], given[0]), writer.writing(*threads[1], given[1]):
        given[0].parts, given[1].parts = parts_of(text="a"), parts_of(text="b")
        await until(lambda: rounds == [["a", "b"]])
        async with writer.writing(*threads[2], given[2]):
            given[0].add(Piece(Kind.ANSWER, "a"))
            given[2].add(Piece(Kind.ANSWER, "c"))
            await until(lambda: rounds[1:] == [["aa", "c"]])
        assert [await kept(history, copy) for copy, _ in threads] == [["aa"], ["b"], ["c"]]
    # It starts again after it had nothing to do.
    await until(lambda: writer._writer is not None and writer._writer.done())
    async with writer.writing(*threads[2], given[2]):
        given[2].add(Piece(Kind.ANSWER, "c"))
        await until(lambda: ["cc"] in rounds)
    assert await kept(history, threads[2][0]) == ["cc"]


async def test_two_sessions_may_continue_one_answer_and_both_texts_stay(history: History, users: Users) -> None:
    copy, turn = await asked(history, await somebody(users))
    answer = Answer(parts_of(text="Once upon a time "), ending="stopped")
    turn.answers, turn.chosen = [answer], 0
    await history.save(copy, [turn], {}, turn.id)
    other = await load(history, copy.thread_id)
    [same] = other.conversation.turns[0].answers
    assert other.copy
    writer, wrote = autosave.Autosave(history), []
    writer._wrote = lambda: wrote.append(1)
    async with writer.writing(copy, turn, answer), writer.writing(other.copy, other.conversation.turns[0], same):
        answer.add(Piece(Kind.ANSWER, "there was a king"))
        same.add(Piece(Kind.ANSWER, "in Paris"))
        await until(lambda: wrote)
        answer.add(Piece(Kind.ANSWER, "."))
        same.add(Piece(Kind.ANSWER, "!"))
        await until(lambda: all(given.written == (0, len(given.answer.text), 0) for given in writer._given))
    assert answer.id != same.id
    assert await kept(history, copy) == ["Once upon a time there was a king.", "Once upon a time in Paris!"]


async def test_words_that_turn_out_to_be_thoughts_are_written(history: History, users: Users) -> None:
    copy, turn = await asked(history, await somebody(users))
    answer = Answer()
    writer = autosave.Autosave(history)
    async with writer.writing(copy, turn, answer):
        answer.parts = parts_of(text="Let me see.")
        await until(lambda: writer._given[0].written == (0, 11, 0))
        answer.add(Piece(Kind.RETRACT, ""))
        await until(lambda: writer._given[0].written == (11, 0, 0))
    [answer] = (await load(history, copy.thread_id)).conversation.turns[0].answers
    assert (answer.reasoning, answer.text) == ("Let me see.", "")


async def test_what_comes_next_is_not_overtaken(
    history: History, users: Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, turn = await asked(history, await somebody(users))
    save, began, go_on = history.save_answers, asyncio.Event(), asyncio.Event()

    async def slow(given: list[tuple[Copy, Turn, Answer]]) -> None:
        began.set()
        await go_on.wait()
        await save(given)

    monkeypatch.setattr(history, "save_answers", slow)
    writer, answer = autosave.Autosave(history), Answer()

    async def give() -> None:
        async with writer.writing(copy, turn, answer):
            answer.parts = parts_of(text="to be taken back")
            await began.wait()
        copy.removed.add(answer.id)
        await history.save(copy, [turn], {}, turn.id)

    giving = asyncio.create_task(give())
    await began.wait()
    await asyncio.sleep(0.1)
    assert not giving.done()
    go_on.set()
    await asyncio.wait_for(giving, _PATIENCE)
    assert await kept(history, copy) == []


@pytest.mark.parametrize("failure", [HistoryError("the disk is full"), RuntimeError("the disk is full")])
async def test_a_failure_is_logged_and_tried_again(
    failure: Exception,
    history: History,
    users: Users,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    copy, turn = await asked(history, await somebody(users))
    save, failures = history.save_answers, iter([True])

    async def fails_once(given: list[tuple[Copy, Turn, Answer]]) -> None:
        if next(failures, False):
            raise failure
        await save(given)
        written.set()

    written = asyncio.Event()
    monkeypatch.setattr(history, "save_answers", fails_once)
    answer = Answer(parts_of(text="a"))
    with caplog.at_level(logging.WARNING):
        async with autosave.Autosave(history).writing(copy, turn, answer):
            answer.parts = parts_of(text="ab")
            await until(lambda: "the disk is full" in caplog.text)
            await asyncio.wait_for(written.wait(), _PATIENCE)
    assert await kept(history, copy) == ["ab"]
