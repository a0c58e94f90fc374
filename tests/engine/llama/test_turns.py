"""Turns of the product on the real llama-server: started by the supervisor, killed, stopped and gone on with."""

import asyncio
import os
import random
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from app.talk.conversation import Answer, Picture, Turn
from app.talk.fitting import TooLongError
from app.turn.job import Job
from app.turn.request import make_warm_up
from app.turn.run import run
from app.upstream.state import EngineState
from engine.config import ROOT, Settings
from engine.nano.questions import numbers, thinking
from engine.nano.shapes import draw_shape
from engine.reasoning_tags import Kind, Piece
from tests.instruments.nano_server import png
from tests.instruments.product import Product, alive, running_product
from tests.instruments.slowed import slowed
from tests.unit.app.turn.test_run import Screen

pytestmark = pytest.mark.llama
TOKENS_AFTER_THE_PICTURE = 12
"""Nano's of "What is in the picture?" and of what the template adds; the whole prompt has 44."""


@pytest.fixture(scope="module")
def product(llama_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The whole product with nano on llama-server."""
    workspace = tmp_path_factory.mktemp("llama") / "workspace"
    with running_product(workspace, KIMI_ENGINE="llama", KIMI_MODEL="nano") as product:
        yield product


@pytest.fixture
async def state(product: Product) -> AsyncIterator[EngineState]:
    state = EngineState(Settings(_env_file=None, workspace=product.workspace))
    yield state
    await state.close()


@dataclass
class Watching(Screen):
    """Does something when the first thoughts are shown."""

    then: Any = None
    done: list[bool] = field(default_factory=list)

    async def show(self, piece: Piece) -> None:
        await super().show(piece)
        if piece.kind is Kind.REASONING and self.then and not self.done:
            self.done.append(True)
            self.then()


async def ask(
    state: EngineState, question: str | Turn, view: Screen | None = None, answer: Answer | None = None, **raw: Any
) -> Answer:
    turn = question if isinstance(question, Turn) else Turn("1", question)
    job = Job((turn,), answer or Answer(), raw, continuing=answer is not None)
    if isinstance(view, Watching) and view.then == "answer now":
        view.then = job.answer_now.set
    await run(state, job, view or Screen())
    return job.answer


def engine_pid(product: Product) -> int:
    return int(product.status()["engine"]["pid"])


async def test_a_picture_is_scaled_and_padded_on_the_way(state: EngineState, tmp_path: Path) -> None:
    path = tmp_path / "shape.png"
    path.write_bytes(png(draw_shape("triangle", random.Random(3), (240, 200))))
    answer = await ask(state, Turn("1", "What is in the picture?", [Picture(str(path), "shape.png", 240, 200)]))
    assert (answer.reasoning, answer.text) == ("I see a triangle.", "A triangle.")


@pytest.mark.parametrize("streaming", [True, False])
async def test_an_answer_that_was_cut_goes_on(state: EngineState, streaming: bool) -> None:
    cut = await ask(state, "Count from 1 to 40", max_tokens=60, streaming=streaming)
    assert cut.reasoning == thinking(40)
    assert numbers(40).startswith(cut.text)
    assert cut.text != numbers(40)
    whole = await ask(state, "Count from 1 to 40", answer=cut, streaming=streaming)
    assert (whole.reasoning, whole.text) == (thinking(40), numbers(40))


@pytest.mark.parametrize("streaming", [True, False])
async def test_thinking_that_was_cut_goes_on(state: EngineState, streaming: bool) -> None:
    cut = await ask(state, "Count from 1 to 40", max_tokens=40, streaming=streaming)
    assert cut.in_reasoning
    whole = await ask(state, "Count from 1 to 40", answer=cut, streaming=streaming)
    assert (whole.reasoning, whole.text) == (thinking(40), numbers(40))


async def test_answer_now_ends_the_thinking(state: EngineState, product: Product) -> None:
    view = Watching(then="answer now")
    with slowed(engine_pid(product)):
        answer = await ask(state, "Count from 1 to 299", view)
    assert answer.thinking_cut
    assert "298" not in answer.reasoning
    # Where it was cut decides how nano begins.
    assert "10 11 12 13 14 15" in answer.text


async def test_a_picture_that_was_read_ahead_is_not_read_again(state: EngineState, tmp_path: Path) -> None:
    path = tmp_path / "shape.png"
    # Another one at each attempt: the engine remembers it.
    path.write_bytes(png(draw_shape("square", random.Random(time.time_ns()), (240, 200))))
    pictures = [Picture(str(path), "shape.png", 240, 200)]
    client = await state.ready()
    ahead = await make_warm_up(client, Job((Turn("1", "", pictures),), Answer(), {}))
    assert await client.warm_up.run(ahead) == "done"
    job = Job((Turn("1", "What is in the picture?", pictures),), Answer(), {})
    usage = (await run(state, job, Screen())).usage
    assert usage
    assert usage.cached_tokens
    assert usage.prompt_tokens - usage.cached_tokens <= TOKENS_AFTER_THE_PICTURE


async def test_stop_frees_the_engine(state: EngineState, product: Product) -> None:
    begun = asyncio.Event()
    with slowed(engine_pid(product)):
        asking = asyncio.create_task(ask(state, "Count from 1 to 299", Watching(then=begun.set)))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    client = await state.ready()
    async with asyncio.timeout(60):
        while "llamacpp:requests_processing 0\n" not in await client.metrics():
            await asyncio.sleep(0.05)


async def test_an_answer_goes_on_when_its_engine_is_killed_as_if_nothing_had_been(
    state: EngineState, product: Product
) -> None:
    undisturbed = await ask(state, "Count from 1 to 249")
    pid = engine_pid(product)
    view = Watching(then=lambda: os.kill(pid, signal.SIGKILL))
    with slowed(pid):
        answer = await ask(state, "Count from 1 to 249", view)
    assert view.interruptions == 1
    assert (answer.reasoning, answer.text) == (undisturbed.reasoning, undisturbed.text)


async def test_a_stop_text_ends_the_answer(state: EngineState) -> None:
    answer = await ask(state, "Count from 1 to 20", stop=[" 7"])
    assert answer.reasoning == "I count from 1 to 20: 1 2 3 4 5 6"


async def test_a_question_that_is_too_long_is_not_sent(state: EngineState) -> None:
    with pytest.raises(TooLongError):
        await ask(state, "word " * 20_000)


async def test_a_picture_that_is_refused_ends_the_turn_and_not_the_engine(
    state: EngineState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(draw_shape("ring", random.Random(4), (240, 200))))
    monkeypatch.setattr("app.turn.request.padded_file", lambda *_: b"no picture")
    with pytest.raises(openai.BadRequestError):
        await ask(state, Turn("1", "What is it?", [Picture(str(path), "a.png", 240, 200)]))
    assert (await ask(state, "Count from 1 to 3")).text == numbers(3)


def test_kills_leave_no_process(llama_program: Path, tmp_path: Path) -> None:
    with running_product(tmp_path / "workspace", KIMI_ENGINE="llama", KIMI_MODEL="nano") as product:
        seen = product.tree()
        for _ in range(2):
            before = product.status()["engine"]
            os.kill(before["pid"], signal.SIGKILL)
            product.until(lambda s, before=before: s["engine"]["restarts"] > before["restarts"], "a restart")
            product.until_ready()
            seen += product.tree()
        engine = psutil.Process(engine_pid(product))
        assert "llama-server" in engine.name()
    assert alive(seen) == []


def test_plan_and_doctor_say_which_llama_server_runs_and_why(llama_program: Path, tmp_path: Path) -> None:
    environment = os.environ | {"KIMI_ENGINE": "llama", "KIMI_MODEL": "nano", "KIMI_WORKSPACE": str(tmp_path / "w")}
    said = {
        word: subprocess.run(
            [ROOT / ".venv" / "bin" / "python", "-m", "engine", word],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        ).stdout
        for word in ("plan", "doctor")
    }  # fmt: skip
    assert "llama.cpp b11524 from PyPI, in .venv-llama" in said["plan"]
    assert str(llama_program) in said["plan"]
    assert ".venv-llama is complete (wheel)" in said["doctor"]
    assert "nano on llama" in said["doctor"]
