"""One turn: waits for the engine, fits the conversation into it, asks, and passes on what it says as it comes.

Knows nothing of Chainlit: what is to be seen goes to a `View`.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiofiles
import httpx2

from app.lazily import openai
from app.talk.conversation import Answer, Message, Picture, Turn, to_messages, to_prefix
from app.talk.figures import Figures
from app.talk.fitting import Fit, Limits, fit, texts, upper_bound
from app.talk.settings import ChatSettings, Offer, follow_thinking, parse
from app.talk.stream_timer import Clock
from app.telemetry import spans
from app.telemetry.activity import activity
from app.turn.batching import Frames
from app.upstream.backpressure import Reply
from app.upstream.client import EngineClient
from app.upstream.progress import Pulse, beating
from app.upstream.stall import Patience, Stall
from app.upstream.state import EngineState
from app.upstream.stream import BrokenStreamError, StreamedError, StreamReader
from engine.catalog import Instant
from engine.reasoning_tags import Kind, Marks, Piece, Start
from engine.status import EngineStatus


class View(Protocol):
    """Where a person sees the turn."""

    async def waiting(self, status: EngineStatus) -> None:
        """The engine is not ready; called again whenever its state changes."""

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        """The question is about to be sent; `fitted` says what was left out, and thinking may be cut short or not."""

    async def interrupted(self) -> None:
        """The engine died in the middle of the answer, which goes on as soon as it is back."""

    async def pulse(self, pulse: Pulse | None) -> None:
        """How the answer goes, once a second; None: it has ended."""

    async def stalled(self, seconds: float | None) -> None:
        """The engine has been silent for longer than usual: is it to be waited for? None: that question is over."""

    async def show(self, piece: Piece) -> None:
        """A frame of reasoning or answer; `Kind.RETRACT`: the answer so far was reasoning."""


@dataclass
class Job:
    """What is to be done: the conversation up to and with the question, and the answer that is filled in.

    `raw_settings` are as the client sent them. With `continuing` the answer goes on where it ended.
    """

    turns: Sequence[Turn]
    answer: Answer
    raw_settings: Mapping[str, Any]
    continuing: bool = False
    answer_now: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by a person who has seen enough thinking: the answer then begins from the thoughts so far."""
    keep_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by a person who was asked about a silent engine, and has patience with it."""


class _EnoughThinkingError(Exception):
    """A person wants the answer now."""


_LONGEST_REST = 0.1
"""Seconds in which an answer that begins after long thoughts is not noticed, at most."""
MOST_INTERRUPTIONS = 3
"""A question that brings the engine down each time is not asked for ever."""


def _lost() -> tuple[type[Exception], ...]:
    """What a dying engine looks like; whether it was one, the supervisor's status tells."""
    return openai.APIConnectionError, httpx2.HTTPError, BrokenStreamError, StreamedError


async def run(state: EngineState, job: Job, view: View) -> Figures:
    """Answers the job's question. What was shown is in `job.answer`, however this ends.

    Raises:
        EngineFailedError: the engine has failed for good.
        TooLongError: the question does not fit into the model.
        openai.APIError, httpx2.HTTPError, BrokenStreamError, StreamedError: what goes wrong with an engine.
        asyncio.CancelledError: somebody stopped it.
    """
    interruptions = 0
    while True:
        with spans.step("queue"), activity.waiting_one():
            client = await state.ready(view.waiting)
        before = _said(job.answer)
        try:
            return await _ask(client, job, view, state.patience)
        except _EnoughThinkingError:
            job.answer.thinking_cut = job.continuing = True
        except _lost():
            # The engine went away: once it is back, the answer goes on from what was shown.
            interruptions += 1
            if interruptions > MOST_INTERRUPTIONS or not await state.noticed():
                raise
            if _said(job.answer) != before:
                await view.interrupted()
            _go_on(job, client)


def _said(answer: Answer) -> tuple[str, str]:
    return answer.reasoning, answer.text


def _go_on(job: Job, client: EngineClient) -> None:
    if job.answer.reasoning and not job.answer.text and not client.model.thinking_marks:
        # Thoughts without marks can't be handed back to the engine: it thinks again.
        job.answer.reasoning = ""
    job.continuing = not job.answer.empty


async def offer_of(client: EngineClient) -> Offer:
    """What a chat can choose from on this engine.

    Raises:
        openai.APIError: it does not answer.
    """
    served = await client.served()
    names = tuple(model.name for model in served) or (client.plan.served_name,)
    return _offer(client, names)


def planned_offer(client: EngineClient) -> Offer:
    """The same by the plan alone, for an engine that does not answer yet."""
    return _offer(client, (client.plan.served_name,))


def _offer(client: EngineClient, names: tuple[str, ...]) -> Offer:
    titles = {client.plan.served_name: client.model.title}
    return Offer(names, client.model, client.context(names[0]), titles)


async def _ask(client: EngineClient, job: Job, view: View, patience: Patience) -> Figures:
    offer = await offer_of(client)
    settings = _settings(job, offer)
    instant = None if settings.thinking else offer.instant(settings.model)
    job.answer.instant = instant is not None
    fitted = await _fit(client, job, settings, offer, instant)
    marks = Marks(*client.model.thinking_marks) if client.model.thinking_marks else None
    request = await _request(client, job, settings, fitted, instant)
    can_answer_now = marks is not None and client.plan.traits.continues and not job.answer.thinking_cut
    await view.asking(settings, fitted, can_answer_now)
    figures = Figures(settings.model)

    async def show(piece: Piece) -> None:
        add(job.answer, piece)
        await view.show(piece)

    reader = StreamReader(None if job.answer.engine_splits else marks, _start(job, marks, instant))
    with spans.request(client.plan, request, figures, job.answer) as asked:
        try:
            send = client.ask(request, asked.headers)
            tell = Stall(patience, job.keep_waiting, view.stalled).after(view.pulse)
            beat = beating(asked.clock, client.queue, tell) if settings.streaming else nullcontext()
            async with beat, send as reply:
                if settings.streaming:
                    enough = await _stream(reply, reader, show, asked.clock, job.answer_now)
                else:
                    enough = False
                    await _whole(reply, reader, show, asked.clock)
        finally:
            job.answer.engine_splits |= reader.engine_splits
            # An answer that came as a whole does not tell how long its thoughts took.
            if settings.streaming and asked.clock.thinking is not None:
                job.answer.seconds_thinking = (job.answer.seconds_thinking or 0) + asked.clock.thinking
        figures.usage, figures.finish_reason = reader.usage, reader.finish_reason or ("" if enough else "stop")
    if enough:
        raise _EnoughThinkingError
    return figures


async def _whole(reply: Reply, reader: StreamReader, show: Callable[[Piece], Awaitable[None]], clock: Clock) -> None:
    pieces = reader.read_whole(b"".join([chunk async for chunk in reply]))
    if pieces:
        # It came at one moment: the time that showing it takes is none in which the engine wrote.
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
    """Shows the stream as it comes; whether it was left because its reader has seen enough thinking."""
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


def add(answer: Answer, piece: Piece) -> None:
    """Adds a piece to an answer."""
    match piece.kind:
        case Kind.REASONING:
            answer.reasoning += piece.text
        case Kind.ANSWER:
            answer.text += piece.text
        case Kind.RETRACT:
            answer.reasoning, answer.text = answer.reasoning + answer.text, ""


def _settings(job: Job, offer: Offer) -> ChatSettings:
    if not job.continuing:
        return parse(job.raw_settings, offer)
    as_before = {**job.raw_settings, "thinking": not job.answer.instant}
    return parse(follow_thinking(as_before, job.raw_settings, offer), offer)


def _start(job: Job, marks: Marks | None, instant: Instant | None) -> Start:
    if marks and instant and instant.prefill:
        return Start.IN_ANSWER
    if not (job.continuing and marks):
        return Start.FRESH
    return Start.IN_REASONING if job.answer.in_reasoning else Start.IN_ANSWER


async def _fit(client: EngineClient, job: Job, settings: ChatSettings, offer: Offer, instant: Instant | None) -> Fit:
    limits = Limits(client.context(settings.model), offer.model.picture_pixels, offer.model.pictures_per_prompt)
    extra = [settings.system_prompt] if settings.system_prompt.strip() else []
    if job.continuing:
        extra += [job.answer.reasoning, job.answer.text]
    if instant:
        extra.append(instant.prefill)
    # Counting costs a request for each text, so first the bound that needs none: it is enough for most chats. Both run
    # in a thread of their own, beside which others are served: a chat may have megabytes.
    fitted = await asyncio.to_thread(_try_bound, job.turns, extra, settings.max_tokens, limits)
    if fitted is None:
        counts = await client.count([*texts(job.turns), *extra], settings.model)
        fitted = await asyncio.to_thread(fit, job.turns, extra, settings.max_tokens, limits, counts.__getitem__)
    return fitted


def _try_bound(turns: Sequence[Turn], extra: list[str], max_tokens: int, limits: Limits) -> Fit | None:
    if sum(map(upper_bound, [*texts(turns), *extra])) + max_tokens > limits.context:
        return None
    fitted = fit(turns, extra, max_tokens, limits, upper_bound)
    return fitted if fitted.max_tokens == max_tokens and not fitted.left_out_turns else None


async def _request(
    client: EngineClient, job: Job, settings: ChatSettings, fitted: Fit, instant: Instant | None
) -> dict[str, Any]:
    urls = {picture: await picture_url(client, picture) for turn in fitted.turns for picture in turn.pictures}
    messages: list[Message] = await asyncio.to_thread(
        to_messages, fitted.turns, settings.system_prompt, urls.__getitem__
    )
    request: dict[str, Any] = {
        "model": settings.model,
        "messages": messages,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": fitted.max_tokens,
        "stream": settings.streaming,
    }
    if settings.stop:
        request["stop"] = list(settings.stop)
    if settings.streaming:
        request["stream_options"] = {"include_usage": True}
    prefill = instant.prefill if instant else ""
    if job.continuing or prefill:
        messages.append(to_prefix(job.answer, client.model.thinking_marks, prefill))
        request |= {"continue_final_message": True, "add_generation_prompt": False}
    if instant and instant.chat_template_kwargs:
        request["chat_template_kwargs"] = dict(instant.chat_template_kwargs)
    return request


async def picture_url(client: EngineClient, picture: Picture) -> str:
    """How the engine is told of a picture: by its file where both see the workspace, else by its bytes."""
    path = Path(picture.path)
    if client.plan.pictures == "file":
        return path.as_uri()
    async with aiofiles.open(path, "rb") as file:
        return data_url(await file.read(), path.suffix)


def data_url(data: bytes, suffix: str) -> str:
    """The bytes of a PNG or JPEG as a URL."""
    kind = "png" if suffix == ".png" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
