"""Nano's exam marks what is right, and an engine that does not answer is told in one sentence."""

import asyncio

import pytest

from engine.nano import exam
from engine.nano.exam import Candidate, ExamError, Marks
from tests.instruments.ports import free_port
from tests.instruments.scripted_engine import ScriptedEngine


async def test_an_engine_that_says_the_same_of_every_picture_passes_nothing() -> None:
    async with ScriptedEngine(model="nano") as engine:
        candidate = Candidate(engine.base_url, "key", patches=40)
        assert await asyncio.to_thread(exam.shapes, candidate, 1) == Marks(0, 8)
        marks, _ = await asyncio.to_thread(exam.counts, candidate, (1, 2))
        assert marks == Marks(0, 2)


def test_enough_is_a_share() -> None:
    assert Marks(92, 96).at_least(0.85)
    assert not Marks(48, 96).at_least(0.85)
    assert str(Marks(92, 96)) == "92 of 96"


def test_an_engine_that_is_gone_is_told() -> None:
    with pytest.raises(ExamError, match="or is gone"):
        exam.counts(Candidate(f"http://127.0.0.1:{free_port()}/v1", "key"), (1,))
