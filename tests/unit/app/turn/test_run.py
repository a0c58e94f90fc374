"""One turn on the scripted engine: what is sent, what is shown, and how each failure ends."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.lazily import openai
from app.talk.conversation import Answer, Picture, Turn
from app.talk.fitting import Fit
from app.talk.places import PicturePlaces, Place, box
from app.talk.settings import ChatSettings
from app.turn.faults import explain
from app.turn.job import Job
from app.turn.run import MOST_INTERRUPTIONS, run
from app.upstream.backpressure import Reply
from app.upstream.client import EngineClient, Served
from app.upstream.progress import Pulse
from app.upstream.state import EngineFailedError, EngineState
from engine.config import Settings
from engine.plans.launch import EngineTraits
from engine.reasoning_tags import Kind, Piece
from engine.status import EngineStatus, Phase, Reason, Status
from tests.instruments.answers import parts_of
from tests.instruments.launch_plan import launch_plan
from tests.instruments.scripted_engine import Script, ScriptedEngine


@dataclass
class Screen:
    """Remembers what was to be seen."""

    pieces: list[Piece] = field(default_factory=list)
    waited: list[EngineStatus] = field(default_factory=list)
    fits: list[Fit] = field(default_factory=list)
    shown: asyncio.Event = field(default_factory=asyncio.Event)
    interruptions: int = 0
    pulses: list[Pulse | None] = field(default_factory=list)
    stalls: list[float | None] = field(default_factory=list)
    can_answer_now: bool = False

    async def interrupted(self) -> None:
        self.interruptions += 1

    async def waiting(self, status: EngineStatus) -> None:
        self.waited.append(status)
        self.shown.set()

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        self.fits.append(fitted)
        self.can_answer_now = can_answer_now

    async def pulse(self, pulse: Pulse | None) -> None:
        self.pulses.append(pulse)

    async def stalled(self, seconds: float | None) -> None:
        self.stalls.append(seconds)

    async def show(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.shown.set()


class Desk:
    """An engine, the state files that point to it, and a question."""

    def __init__(self, engine: ScriptedEngine, settings: Settings) -> None:
        self.engine = engine
        self.files = settings.files
        self.files.create()
        self.files.engine_key.write_text("the key\n")
        self.state = EngineState(settings)
        self.screen = Screen()
        self.plan()
        self.status("ready")

    def plan(self, **changes: Any) -> None:
        launch_plan(self.engine.base_url, **changes).write(self.files.plan)

    def status(self, state: Any, **changes: Any) -> None:
        Status().with_engine(state=state, **changes).write(self.files.status)

    async def ask(
        self, *turns: Turn, answer: Answer | None = None, continuing: bool = False, **settings: Any
    ) -> Answer:
        answer = answer or Answer()
        job = Job(turns or (Turn("1", "What is this?"),), answer, settings, continuing)
        self.figures = await run(self.state, job, self.screen)
        return answer

    @property
    def request(self) -> dict[str, Any]:
        return self.engine.requests[-1]


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setenv("OPENAI_API_KEY", "a person's own key")
    async with ScriptedEngine() as engine:
        desk = Desk(engine, Settings(workspace=tmp_path / "workspace"))
        yield desk
        await desk.state.close()


async def test_reasoning_and_answer_arrive_in_order_with_their_figures(desk: Desk) -> None:
    desk.engine.script = Script(reasoning=["So ", "it is."], answer=["A ", "sign."], rate=50)
    answer = await desk.ask()
    assert (answer.reasoning, answer.text) == ("So it is.", "A sign.")
    assert [piece.kind for piece in desk.screen.pieces] == sorted(
        (piece.kind for piece in desk.screen.pieces), key=[Kind.REASONING, Kind.ANSWER].index
    )
    assert desk.figures.usage
    assert (desk.figures.usage.prompt_tokens, desk.figures.usage.completion_tokens) == (11, 4)
    assert desk.figures.first_token is not None
    assert answer.seconds_thinking is not None
    assert desk.figures.tokens_per_second


async def test_the_request_is_what_the_settings_say(desk: Desk) -> None:
    await desk.ask(
        temperature=0.3, top_p=0.5, max_tokens="77", stop=["Answer:", "\\n"], system_prompt="Be brief.", model="other"
    )
    assert desk.request == {
        "model": "scripted", "temperature": 0.3, "top_p": 0.5, "max_tokens": 77, "stop": ["Answer:", "\n"],
        "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is this?"}],
    }  # fmt: skip


async def test_the_engine_gets_its_own_key_and_never_a_persons(desk: Desk) -> None:
    await desk.ask()
    assert desk.engine.headers[-1]["Authorization"] == "Bearer the key"
    assert "a person's own key" not in str(desk.engine.headers)


async def test_a_picture_goes_by_its_file_or_by_its_bytes(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "a b 店.png"
    path.write_bytes(b"the bytes")
    turn = Turn("1", "Read it.", [Picture(str(path), "a.png", 10, 10)])
    await desk.ask(turn)
    [part, text] = desk.request["messages"][0]["content"]
    assert part["image_url"]["url"] == path.as_uri()
    assert " " not in part["image_url"]["url"]
    assert text == {"type": "text", "text": "Read it."}
    desk.plan(pictures="data")
    await desk.ask(turn)
    url = desk.request["messages"][0]["content"][0]["image_url"]["url"]
    assert url == "data:image/png;base64," + base64.b64encode(b"the bytes").decode()


async def test_the_lines_that_an_engine_has_read_are_kept_with_their_pictures(desk: Desk, tmp_path: Path) -> None:
    files = [tmp_path / f"{letter * 64}.png" for letter in "ab"]
    for file in files:
        file.write_bytes(file.name.encode())
    before, now = (
        Turn(file.name[0], "Read it.", [Picture(str(file), "a.png", 10, 10)], [Answer(parts_of(text="x"))], 0)
        for file in files
    )
    corners = box(0.1, 0.2, 0.3, 0.4)
    desk.engine.script = Script(lines=({"picture": 1, "text": "Total", "corners": corners},))
    assert (await desk.ask(before, now)).places == []
    assert "include_lines" not in desk.request
    desk.plan(traits=EngineTraits(reports_lines=True))
    answer = await desk.ask(before, now)
    assert answer.places == [PicturePlaces(files[1].name, [Place("Total", corners)])]


async def test_an_answer_that_is_not_streamed(desk: Desk) -> None:
    desk.engine.script = Script(reasoning=["So."], answer=["A sign."], finish_reason="length")
    answer = await desk.ask(streaming=False)
    assert desk.request["stream"] is False
    assert "stream_options" not in desk.request
    assert (answer.reasoning, answer.text, desk.figures.finish_reason) == ("So.", "A sign.", "length")
    # All came at one moment, so nothing is known of how fast the engine wrote, or how long it thought.
    assert desk.figures.first_token is not None
    assert desk.figures.usage
    assert (desk.figures.writing, desk.figures.tokens_per_second, answer.seconds_thinking) == (0, None, None)


@pytest.mark.parametrize(("end", "rests"), [("data: [DONE]\n\n", 0), ("", 1)])
async def test_a_stream_that_has_ended_is_not_rested_from(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, end: str, rests: int
) -> None:
    rested: list[float] = []

    async def rest(reply: Reply, seconds: float) -> None:
        rested.append(seconds)

    monkeypatch.setattr(Reply, "rest", rest)
    event = 'data: {"choices": [{"delta": {"content": "A sign."}, "finish_reason": "stop"}]}\n\n'
    desk.engine.script = Script(garbage=(event + end).encode())
    assert (await desk.ask()).text == "A sign."
    assert len(rested) == rests


async def test_marks_that_the_engine_leaves_in_are_taken_out(desk: Desk) -> None:
    desk.engine.script = Script(answer=["◁thi", "nk▷So.", "◁/thi", "nk▷", "A sign."])
    answer = await desk.ask()
    assert (answer.reasoning, answer.text, answer.engine_splits) == ("So.", "A sign.", False)


async def test_a_closing_mark_alone_turns_the_answer_so_far_into_reasoning(desk: Desk) -> None:
    desk.engine.script = Script(answer=["So it ", "is.", "◁/think▷", "A sign."], rate=20)
    answer = await desk.ask()
    assert (answer.reasoning, answer.text) == ("So it is.", "A sign.")
    assert Kind.RETRACT in {piece.kind for piece in desk.screen.pieces}


@pytest.mark.parametrize(
    ("before", "said", "prefix", "after"),
    [
        (Answer(parts_of("So", "A si"), "length"), ["gn."], "◁think▷So◁/think▷A si", ("So", "A sign.")),
        (Answer(parts_of("So it", ""), "length"), [" is.◁/think▷A sign."], "◁think▷So it", ("So it is.", "A sign.")),
    ],
)
async def test_an_answer_continues_where_it_ended(
    desk: Desk, before: Answer, said: list[str], prefix: str, after: tuple[str, str]
) -> None:
    desk.engine.script = Script(answer=said)
    answer = await desk.ask(Turn("1", "q", answers=[before], chosen=0), answer=before, continuing=True)
    assert (answer.reasoning, answer.text) == after
    assert desk.request["messages"][-1] == {"role": "assistant", "content": prefix}
    assert (desk.request["continue_final_message"], desk.request["add_generation_prompt"]) == (True, False)


NO_THOUGHTS = "◁think▷\n\n◁/think▷"


@pytest.mark.parametrize(
    ("model", "thinking", "expected"),
    [
        ("Kimi-K2.5", True, (1.0, None, [])),
        ("Kimi-K2.5", False, (0.6, {"thinking": False}, [])),
        ("Kimi-VL-A3B-Thinking", True, (0.6, None, [])),
        ("Kimi-VL-A3B-Thinking", False, (0.6, None, [NO_THOUGHTS])),
        ("Kimi-K2-Thinking", False, (1.0, None, [])),
        ("Kimi-VL-A3B-Instruct", False, (0.2, None, [])),
    ],
)
async def test_each_position_of_the_switch_is_a_request_of_its_own(
    desk: Desk, model: str, thinking: bool, expected: tuple[float, object, list[str]]
) -> None:
    desk.plan(engine="openai", model=model)
    await desk.ask(thinking=thinking)
    said = [message["content"] for message in desk.request["messages"] if message["role"] == "assistant"]
    assert (desk.request["temperature"], desk.request.get("chat_template_kwargs"), said) == expected
    assert desk.request.get("continue_final_message", False) is bool(said)


async def test_an_instant_answer_may_speak_about_the_marks(desk: Desk) -> None:
    desk.engine.script = Script(answer=["The mark ", "is ◁/think▷", "."])
    answer = await desk.ask(thinking=False)
    assert (answer.reasoning, answer.text, answer.instant) == ("", "The mark is ◁/think▷.", True)


async def test_an_engine_that_thinks_nevertheless_is_read_as_usual(desk: Desk) -> None:
    desk.plan(engine="openai", model="Kimi-K2.5")
    desk.engine.script = Script(answer=["<think>So.</think>", "A sign."])
    answer = await desk.ask(thinking=False)
    assert (answer.reasoning, answer.text) == ("So.", "A sign.")


@pytest.mark.parametrize("switched_on", [True, False])
@pytest.mark.parametrize(
    ("model", "prefix", "kwargs"),
    [("Kimi-VL-A3B-Thinking", f"{NO_THOUGHTS}A si", None), ("Kimi-K2.5", "A si", {"thinking": False})],
)
async def test_an_instant_answer_continues_without_thinking_even_if_the_switch_changed(
    desk: Desk, model: str, prefix: str, kwargs: object, switched_on: bool
) -> None:
    desk.plan(model=model)
    before = Answer(parts_of("", "A si"), "length", instant=True)
    desk.engine.script = Script(answer=["gn."])
    shown = 1.0 if switched_on else 0.6
    answer = await desk.ask(
        Turn("1", "q", answers=[before], chosen=0),
        answer=before, continuing=True, thinking=switched_on, temperature=shown,
    )  # fmt: skip
    assert (answer.reasoning, answer.text) == ("", "A sign.")
    assert desk.request["messages"][-1] == {"role": "assistant", "content": prefix}
    assert (desk.request["continue_final_message"], desk.request["add_generation_prompt"]) == (True, False)
    assert desk.request.get("chat_template_kwargs") == kwargs
    assert desk.request["temperature"] == (0.6 if kwargs else shown)


async def test_thinking_continues_as_thinking_even_if_the_switch_is_off_now(desk: Desk) -> None:
    desk.plan(model="Kimi-K2.5")
    before = Answer(parts_of("So it", ""), "length")
    desk.engine.script = Script(answer=[" is.</think>A sign."])
    answer = await desk.ask(Turn("1", "q", answers=[before], chosen=0), answer=before, continuing=True, thinking=False)
    assert (answer.reasoning, answer.text) == ("So it is.", "A sign.")
    assert desk.request["messages"][-1]["content"] == "<think>So it"
    assert "chat_template_kwargs" not in desk.request
    assert desk.request["temperature"] == 1.0


async def test_a_question_waits_for_the_engine_and_is_then_answered(desk: Desk) -> None:
    desk.status("starting", phase=Phase.LOADING, percent=40.0)
    asking = asyncio.create_task(desk.ask())
    await asyncio.wait_for(desk.screen.shown.wait(), 10)
    assert not desk.engine.requests
    desk.screen.shown.clear()
    desk.status("starting", phase=Phase.LOADING, percent=80.0)
    await asyncio.wait_for(desk.screen.shown.wait(), 10)
    desk.status("ready")
    assert (await asyncio.wait_for(asking, 10)).text == "An answer."
    assert [status.percent for status in desk.screen.waited] == [40.0, 80.0]


async def test_a_question_waits_for_the_first_plan(desk: Desk) -> None:
    desk.files.plan.unlink()
    asking = asyncio.create_task(desk.ask())
    await asyncio.sleep(0.5)
    assert not asking.done()
    desk.plan()
    assert (await asyncio.wait_for(asking, 10)).text == "An answer."


async def test_a_failed_engine_is_reported_at_once(desk: Desk) -> None:
    desk.status("failed", reason=Reason("weights_missing"))
    with pytest.raises(EngineFailedError) as error:
        await desk.ask()
    assert explain(error.value).values == {"reason": Reason("weights_missing")}


async def test_an_engine_that_dies_before_it_speaks_is_asked_again(desk: Desk) -> None:
    desk.engine.script = Script(answer=["never"], break_after=0)
    # Seen from the page: the connection is refused, and the supervisor notices that the engine is gone.
    dead = ScriptedEngine()
    async with dead:
        desk.plan(base_url=dead.base_url)
        desk.state.client()
    asking = asyncio.create_task(desk.ask())
    await asyncio.sleep(0.3)
    desk.status("starting", phase=Phase.LOADING, restarts=1)
    await asyncio.wait_for(desk.screen.shown.wait(), 10)
    desk.engine.script = Script()
    desk.plan()
    desk.status("ready", restarts=1)
    assert (await asyncio.wait_for(asking, 10)).text == "An answer."


async def test_an_answer_continues_when_the_engine_died_in_the_middle_of_it(desk: Desk) -> None:
    desk.engine.script = Script(reasoning=["So."], answer=["A ", "sign ", "never"], break_after=3)
    answer = Answer()
    asking = asyncio.create_task(desk.ask(answer=answer))
    await asyncio.wait_for(desk.screen.shown.wait(), 10)
    desk.status("starting", restarts=1)
    desk.engine.script = Script(answer=["in the ", "rain."])
    while desk.screen.interruptions == 0:
        await asyncio.sleep(0.01)
    desk.status("ready", restarts=1)
    await asyncio.wait_for(asking, 10)
    assert (answer.reasoning, answer.text) == ("So.", "A sign in the rain.")
    assert desk.request["messages"][-1] == {"role": "assistant", "content": "◁think▷So.◁/think▷A sign "}
    assert desk.request["continue_final_message"]


async def test_a_better_engine_may_take_over_while_a_request_is_made(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another turn's look at the state closes the clients that are no longer used; this one still is."""
    first = desk.state.client()
    assert first
    real, kept = first.served, []

    async def served() -> tuple[Served, ...]:
        desk.plan(context=9000)
        await desk.state.ready()
        await desk.state.ready()
        kept.append(first in desk.state._retired)
        return await real()

    monkeypatch.setattr(first, "served", served)
    assert (await desk.ask()).text == "An answer."
    assert kept == [True]
    await desk.state.ready()
    assert first not in desk.state._retired


async def test_a_turn_whose_engine_was_replaced_is_answered_by_the_next_one(desk: Desk) -> None:
    dead = ScriptedEngine()
    async with dead:
        desk.plan(base_url=dead.base_url)
        first = desk.state.client()
        assert first

        async def replaced() -> tuple[Served, ...]:
            desk.plan()
            raise openai.APIConnectionError(request=httpx2.Request("GET", dead.base_url))

        first.served = replaced  # type: ignore[method-assign,assignment]
        # The status is ready all the time.
        assert (await asyncio.wait_for(desk.ask(), 5)).text == "An answer."


async def test_an_engine_that_dies_of_the_question_each_time_is_not_asked_for_ever(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def noticed(client: EngineClient) -> bool:
        return True

    monkeypatch.setattr(desk.state, "noticed", noticed)
    desk.engine.script = Script(reasoning=["So."], break_after=1)
    assert await failure(desk) == ("engine_broke_off", True)
    assert desk.screen.interruptions == MOST_INTERRUPTIONS
    assert len(desk.engine.requests) == MOST_INTERRUPTIONS + 1


async def test_answer_now_ends_the_thinking_and_the_answer_begins_from_the_thoughts_so_far(desk: Desk) -> None:
    desk.plan(engine="vllm")
    desk.engine.script = Script(reasoning=["so "] * 2000, rate=100)
    answer = Answer()
    job = Job((Turn("1", "What is this?"),), answer, {})
    asking = asyncio.create_task(run(desk.state, job, desk.screen))
    while len(answer.reasoning) < 12:
        await asyncio.sleep(0.01)
    assert desk.screen.can_answer_now
    desk.engine.script = Script(answer=["A ", "sign."])
    job.answer_now.set()
    await asyncio.wait_for(asking, 10)
    assert answer.text == "A sign."
    assert answer.reasoning == "so " * (len(answer.reasoning) // 3)
    prefix = desk.request["messages"][-1]["content"]
    assert prefix == f"◁think▷{answer.reasoning}◁/think▷"
    assert not desk.screen.can_answer_now


async def failure(desk: Desk, answer: Answer | None = None) -> tuple[str, bool]:
    with pytest.raises(Exception) as error:  # noqa: PT011 - which one it is, `explain` says
        await desk.ask(answer=answer)
    assert isinstance(error.value, Exception)
    fault = explain(error.value)
    return fault.key, fault.retry


@pytest.mark.parametrize(
    ("status", "said", "key", "retry"),
    [
        (
            400,
            "This model's maximum context length is 8192 tokens. However, you requested 9000",
            "too_long_said",
            False,
        ),
        (400, "At most 2 image(s) may be provided in one prompt.", "too_many_pictures", False),
        (400, "cannot identify image file <_io.BytesIO object>", "picture_refused", False),
        (400, "Failed to apply KimiVLProcessor on data={'text': 1} with kwargs={}", "picture_unfit", False),
        (400, "something else", "engine_error", True),
        (401, "Unauthorized", "engine_key", False),
        (404, "The model `x` does not exist.", "model_not_served", False),
        (503, "overloaded", "engine_busy", True),
        (500, "Internal Server Error", "engine_error", True),
    ],
)
async def test_a_refusal_has_its_sentence(desk: Desk, status: int, said: str, key: str, retry: bool) -> None:
    desk.engine.script = Script(status=status, error=said)
    assert await failure(desk) == (key, retry)


async def test_an_answer_that_breaks_off_keeps_what_came(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # The supervisor of this test will not notice anything, however long the turn waits for that.
    monkeypatch.setattr(desk.state, "noticed", partial(desk.state.noticed, seconds=0.2))
    desk.engine.script = Script(reasoning=["So."], answer=["A ", "sign", " that"], break_after=3)
    answer = Answer()
    assert await failure(desk, answer) == ("engine_broke_off", True)
    assert (answer.reasoning, answer.text) == ("So.", "A sign")


async def test_stopping_keeps_what_was_shown_and_frees_the_engine(desk: Desk) -> None:
    desk.engine.script = Script(reasoning=["so "] * 1000, rate=100)
    answer = Answer()
    asking = asyncio.create_task(desk.ask(answer=answer))
    await asyncio.wait_for(desk.screen.shown.wait(), 10)
    await asyncio.sleep(0.3)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert answer.reasoning.startswith("so so ")
    assert answer.reasoning == "".join(piece.text for piece in desk.screen.pieces)
    for _ in range(100):
        if desk.engine.streaming == 0:
            break
        await asyncio.sleep(0.05)
    assert (desk.engine.streaming, desk.engine.cancelled) == (0, 1)


async def test_a_conversation_too_long_for_the_model_loses_its_oldest_turns(tmp_path: Path) -> None:
    async with ScriptedEngine(context=600) as engine:
        desk = Desk(engine, Settings(workspace=tmp_path / "small"))
        turns = [Turn(str(n), "w " * 300, answers=[Answer(parts_of(text="ok"))], chosen=0) for n in range(4)]
        await desk.ask(*turns, Turn("last", "Now?"))
        [fitted] = desk.screen.fits
        assert fitted.left_out_turns == 3
        assert len(desk.request["messages"]) == 3
        assert desk.request["max_tokens"] <= 600
        await desk.state.close()
