"""One turn: waits for the engine, sends it the request (`request.py`), and streams its answer to a `View`.

Independent of Chainlit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

import httpx2

from app.lazily import openai
from app.talk.conversation import Answer
from app.talk.figures import Figures
from app.talk.fitting import Fit
from app.talk.parts import Reasoning, ToolCall
from app.talk.places import merged, read_lines
from app.talk.settings import ChatSettings
from app.talk.stream_timer import Clock
from app.telemetry import spans
from app.telemetry.activity import activity
from app.turn.batching import Frames
from app.turn.calls import Calls
from app.turn.job import Job
from app.turn.request import make_request
from app.upstream.backpressure import Reply
from app.upstream.client import EngineClient
from app.upstream.progress import Pulse, Report, beating
from app.upstream.stall import Patience, Stall
from app.upstream.state import EngineState
from app.upstream.stream import BrokenStreamError, StreamedError, StreamReader
from engine.reasoning_tags import Kind, Piece
from engine.status import EngineStatus


class View(Protocol):
    """Shows the turn to the user."""

    async def waiting(self, status: EngineStatus) -> None:
        """The engine is not ready; called at each change of its status."""

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        """The question is about to be sent; `fitted` has what was left out; `can_answer_now`: Answer now works."""

    async def interrupted(self) -> None:
        """The engine died in the middle of the answer, which continues once it is back."""

    async def pulse(self, pulse: Pulse | None) -> None:
        """The progress of the answer, once a second; None means that it has ended."""

    async def stalled(self, seconds: float | None) -> None:
        """The engine has been silent for unusually long: ask whether to wait. None withdraws the question."""

    async def show(self, piece: Piece) -> None:
        """A frame of reasoning or answer; `Kind.RETRACT` means that the answer so far was reasoning."""


_LONGEST_REST = 0.1
"""The longest pause between reads, in seconds, so that an answer after long thoughts is noticed soon."""
MOST_INTERRUPTIONS = 3
"""The most restarts per question, since a question may crash the engine each time."""


def _lost() -> tuple[type[Exception], ...]:
    """The exceptions of a dying engine; the supervisor's status shows whether it really died."""
    return openai.APIConnectionError, httpx2.HTTPError, BrokenStreamError, StreamedError


async def run(state: EngineState, job: Job, view: View) -> Figures:
    """Answers the job's question in rounds, each a request whose stream becomes parts of the answer.

    The result of a round decides whether another follows, which continues after the parts so far. What was shown is in
    `job.answer`, however this ends.

    Returns:
        The figures of the last round.

    Raises:
        EngineFailedError: the engine has failed for good.
        TooLongError: the question does not fit into the model.
        openai.APIError, httpx2.HTTPError, BrokenStreamError, StreamedError: an error of the engine.
        asyncio.CancelledError: the turn was stopped.
    """
    interruptions = 0
    calls, asked_again = Calls(job), False
    while True:
        with spans.step("queue"), activity.waiting_one():
            client = await state.ready(view.waiting)
        before = _said(job.answer)
        try:
            with client.in_use():
                done = await _round(client, job, view, state.patience)
        except _lost():
            # The engine is gone: once it is back, the answer continues from what was shown.
            interruptions += 1
            if interruptions > MOST_INTERRUPTIONS or not await state.noticed(client):
                raise
            if _said(job.answer) != before:
                await view.interrupted()
            _go_on(job, client)
            continue
        if done.enough_thinking:
            # The next round begins the answer from the thoughts so far.
            job.answer.thinking_cut = job.continuing = True
        elif done.calls and job.tooling and not job.tooling.last_round:
            await calls.answer(done.calls, job.tooling)
            job.continuing = True
        elif done.silent and job.answer.steps and not asked_again:
            # Kimi-K2 sometimes says nothing after the result of a tool, or only thinks.
            asked_again = True
            _go_on(job, client)
        else:
            return done.figures


def _said(answer: Answer) -> tuple[int, str, str]:
    return len(answer.parts), answer.reasoning, answer.text


@dataclass(frozen=True)
class _Done:
    """What one request gave."""

    figures: Figures
    enough_thinking: bool
    """Whether the user cut its reasoning short."""
    calls: list[ToolCall]
    silent: bool
    """Whether it gave neither an answer nor a call."""


def _go_on(job: Job, client: EngineClient) -> None:
    latest = job.answer.latest
    if latest and all(isinstance(part, Reasoning) for part in latest) and not client.model.thinking_marks:
        # Without tags, reasoning can't be sent back to the engine, so it thinks again.
        del job.answer.parts[-len(latest) :]
    job.continuing = not job.answer.empty


async def _round(client: EngineClient, job: Job, view: View, patience: Patience) -> _Done:
    """One request, whose text is shown as it comes."""
    request = await make_request(client, job)
    job.answer.instant = request.instant
    can_answer_now = request.marks is not None and client.plan.traits.continues and not job.answer.thinking_cut
    await view.asking(request.settings, request.fitted, can_answer_now)
    streaming = request.settings.streaming
    characters = client.plan.traits.unit == "character"
    figures = Figures(request.settings.model, characters=characters)

    async def show(piece: Piece) -> None:
        if piece.kind is Kind.CALL:
            if job.tooling:
                await job.tooling.view.called(reader.calls, job.tooling.toolbox.tools, forming=True)
            return
        await view.show(job.answer.add(piece))

    before = len(job.answer.text)
    reader = StreamReader(None if job.answer.engine_splits else request.marks, request.start)
    with spans.request(client.plan, request.body, figures, job.answer) as asked:
        try:
            send = client.ask(request.body, asked.headers)
            report = Stall(patience, job.keep_waiting, view.stalled).after(
                _without_speed(view) if characters else view.pulse
            )
            beat = beating(asked.clock, client.queue, report) if streaming else nullcontext()
            async with beat, send as reply:
                if streaming:
                    enough = await _stream(reply, reader, show, asked.clock, job.answer_now)
                else:
                    enough = False
                    await _whole(reply, reader, show, asked.clock, _repeated(client, request.body))
        finally:
            job.answer.engine_splits |= reader.engine_splits
            if reader.lines:
                paths = [picture.path for turn in request.fitted.turns for picture in turn.pictures]
                job.answer.places = merged(job.answer.places, read_lines(reader.lines, paths))
            # An answer that is not streamed does not reveal how long its reasoning took.
            if streaming and asked.clock.thinking is not None:
                job.answer.seconds_thinking = (job.answer.seconds_thinking or 0) + asked.clock.thinking
        figures.usage, figures.finish_reason = reader.usage, reader.finish_reason or ("" if enough else "stop")
    return _Done(figures, enough, reader.calls, len(job.answer.text) == before and not reader.calls)


def _without_speed(view: View) -> Report:
    async def pulse(seen: Pulse | None) -> None:
        await view.pulse(seen and replace(seen, tokens_per_second=None))

    return pulse


def _repeated(client: EngineClient, body: Mapping[str, Any]) -> str:
    """What a whole reply begins with that was there before."""
    if client.plan.traits.repeats_beginning and body.get("continue_final_message"):
        return str(body["messages"][-1]["content"])
    return ""


async def _whole(
    reply: Reply, reader: StreamReader, show: Callable[[Piece], Awaitable[None]], clock: Clock, beginning: str
) -> None:
    pieces = reader.read_whole(b"".join([chunk async for chunk in reply]), beginning)
    if pieces:
        # It arrived at one moment; the time to show it does not count as the engine's writing.
        clock.saw(pieces[0], pieces[-1], len(pieces))
    for piece in pieces:
        await show(piece)


async def _stream(
    reply: Reply,
    reader: StreamReader,
    show: Callable[[Piece], Awaitable[None]],
    clock: Clock,
    answer_now: asyncio.Event,
) -> bool:
    """Shows the stream; returns whether the user cut the reasoning short."""
    frames = Frames(show)
    writer = asyncio.create_task(frames.run())
    try:
        async for chunk in reply:
            if pieces := reader.feed(chunk):
                clock.saw(pieces[0], pieces[-1], len(pieces))
                frames.add(pieces)
                if answer_now.is_set() and pieces[-1].kind is Kind.REASONING:
                    frames.add(reader.release())
                    return True
                if not reader.done:
                    await reply.rest(min(frames.seconds, _LONGEST_REST))
        frames.add(reader.finish())
    except BaseException:
        frames.add(reader.release())
        raise
    finally:
        frames.end()
        await writer
    return False
