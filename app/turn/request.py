"""The request to the engine for one round of a turn: settings, messages that fit, and how to parse its stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from app.files.pictures import media_type
from app.talk.conversation import Message, Picture, Turn, to_messages, to_prefix
from app.talk.fitting import Fit, Limits, TooLongError, fit, picture_tokens, texts, upper_bound
from app.talk.parts import ResultPicture, ToolResult
from app.talk.settings import ChatSettings, Offer, follow_thinking, parse
from app.talk.step_messages import numbered, step_messages
from app.turn.calls import chat_pictures
from app.turn.job import Job
from app.turn.left_out import can_be_left_out, without_the_oldest
from app.upstream.client import EngineClient
from app.upstream.offer import offer_of
from engine.catalog import Instant
from engine.formats.base64_text import data_url
from engine.formats.padded import padded_file
from engine.reasoning_tags import Marks, Start

MOST_RESULT_PICTURES_SENT = 8
"""Of all results of one answer."""
_MOST_NUMBER = 9999
"""As long as the number of a picture gets."""
_ANSWER_SHARE = 8
"""Results leave at least this fraction of the context to the answer."""


@dataclass(frozen=True)
class Request:
    """One request to the engine."""

    settings: ChatSettings
    fitted: Fit
    body: dict[str, Any]
    """The request's JSON, for the OpenAI chat API."""
    marks: Marks | None
    """The tags that the model writes around its reasoning."""
    start: Start
    """The state in which its answer resumes."""
    instant: bool
    """Whether the model is told not to think."""


async def make_request(client: EngineClient, job: Job) -> Request:
    """The request for the next part of the job's answer.

    Raises:
        TooLongError: the question does not fit into the model.
        openai.APIError: the engine does not answer.
    """
    offer = await offer_of(client)
    settings = _settings(job, offer)
    instant = None if settings.thinking else offer.instant(settings.model)
    numbers = _numbers(job)
    job, fitted = await _fit_results(client, job, settings, offer, instant)
    marks = Marks(*client.model.thinking_marks) if client.model.thinking_marks else None
    body = await _body(client, job, settings, fitted, instant, numbers=numbers)
    return Request(settings, fitted, body, marks, _start(job, marks, instant), instant is not None)


async def make_warm_up(client: EngineClient, job: Job) -> dict[str, Any]:
    """The request by which the engine reads the beginning of a question ahead, as `make_request` would build it.

    Of the job's last turn the pictures are known, and its text is empty.

    Raises:
        TooLongError: the chat does not fit into the model.
        openai.APIError: the engine does not answer.
    """
    body = (await make_request(client, job)).body
    for name in ("stop", "stream_options"):
        body.pop(name, None)
    if body.pop("continue_final_message", False):
        del body["add_generation_prompt"], body["messages"][-1]
    return body | {"max_tokens": 1, "stream": False}


def _settings(job: Job, offer: Offer) -> ChatSettings:
    if not job.continuing:
        return parse(job.raw_settings, offer)
    as_before = {**job.raw_settings, "thinking": not job.answer.instant}
    return parse(follow_thinking(as_before, job.raw_settings, offer), offer)


def _start(job: Job, marks: Marks | None, instant: Instant | None) -> Start:
    if marks and instant and instant.prefill:
        return Start.IN_ANSWER
    if not (_goes_on(job) and marks):
        return Start.FRESH
    return Start.IN_REASONING if job.answer.in_reasoning else Start.IN_ANSWER


def _goes_on(job: Job) -> bool:
    """Whether the engine is to continue what it wrote last, instead of beginning after the result of a tool."""
    return job.continuing and any(part.text for part in job.answer.latest)


async def _fit_results(
    client: EngineClient, job: Job, settings: ChatSettings, offer: Offer, instant: Instant | None
) -> tuple[Job, Fit]:
    """What fits, and the job without the oldest results and long arguments of its answer, as many as is necessary."""
    enough = min(settings.max_tokens, client.context(settings.model) // _ANSWER_SHARE)
    while True:
        left = can_be_left_out(job.answer.parts)
        try:
            fitted = await _fit(client, job, settings, offer, instant)
            if fitted.max_tokens >= enough or left < 2:
                return job, fitted
        except TooLongError:
            if not left:
                raise
        job = replace(job, answer=replace(job.answer, parts=without_the_oldest(job.answer.parts)))


async def _fit(client: EngineClient, job: Job, settings: ChatSettings, offer: Offer, instant: Instant | None) -> Fit:
    shown = _result_pictures(job)
    size = sum(picture_tokens(picture, client.picture_pixels) for picture in shown)
    most = max(0, offer.model.pictures_per_prompt - len(shown))
    limits = Limits(client.context(settings.model) - size, client.picture_pixels, most)
    extra = [settings.system_prompt] if settings.system_prompt.strip() else []
    if job.continuing:
        extra += [part.text for part in job.answer.parts]
    if job.toolbox:
        extra.append(json.dumps(job.toolbox.functions()))
        extra += [numbered([_MOST_NUMBER] * len(turn.pictures)) for turn in job.turns if turn.pictures]
    if instant:
        extra.append(instant.prefill)
    # Counting costs a request for each text, so try an upper bound first, which is enough for most chats. Both run in a
    # worker thread, because a chat may have megabytes.
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


async def _body(
    client: EngineClient,
    job: Job,
    settings: ChatSettings,
    fitted: Fit,
    instant: Instant | None,
    *,
    numbers: Mapping[Picture, int] | None,
) -> dict[str, Any]:
    messages = await _messages(client, job, settings, fitted, numbers)
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": messages,
        "temperature": settings.temperature,
        "top_p": settings.top_p,
        "max_tokens": fitted.max_tokens,
        "stream": settings.streaming,
    }
    if settings.stop:
        body["stop"] = list(settings.stop)
    if settings.streaming:
        body["stream_options"] = {"include_usage": True}
    if client.plan.traits.reports_lines:
        body["include_lines"] = True
    if job.toolbox:
        body["tools"] = job.toolbox.functions()
        if job.tooling and job.tooling.last_round:
            body["tool_choice"] = "none"
    prefill = instant.prefill if instant else ""
    if _goes_on(job) or prefill:
        messages.append(to_prefix(job.answer, client.model.thinking_marks, prefill))
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    if instant and instant.chat_template_kwargs:
        body["chat_template_kwargs"] = dict(instant.chat_template_kwargs)
    return body


async def _messages(
    client: EngineClient, job: Job, settings: ChatSettings, fitted: Fit, numbers: Mapping[Picture, int] | None
) -> list[Message]:
    """The conversation, and what the tools have been asked and have answered in this turn."""
    shown = [picture for turn in fitted.turns for picture in turn.pictures] + _result_pictures(job)
    urls = {picture: await _picture_url(client, picture) for picture in shown}
    messages: list[Message] = await asyncio.to_thread(
        partial(
            to_messages,
            fitted.turns,
            settings.system_prompt,
            urls.__getitem__,
            named=not client.plan.traits.reads_only,
            numbers=numbers,
        )
    )
    if not job.toolbox:
        return messages
    by_file = {Path(picture.path).name: url for picture, url in urls.items()}
    by_number = {Path(picture.path).name: number for picture, number in (numbers or {}).items()}
    return messages + step_messages(
        job.answer.parts,
        reasoning=True,
        url=lambda picture: by_file.get(picture.file, ""),
        number=lambda picture: by_number[picture.file],
    )


def _numbers(job: Job) -> dict[Picture, int] | None:
    """The numbers of all pictures in the chat, also of those that are left out; None without tools."""
    if job.toolbox is None:
        return None
    pictures = chat_pictures(job, job.toolbox)
    # One that is there twice has its first number.
    return {picture: number for number, picture in reversed(list(enumerate(pictures, 1)))}


def _result_pictures(job: Job) -> list[Picture]:
    """The pictures of this answer's results that the model gets: the last ones."""
    if job.toolbox is None:
        return []
    results = [step for step in job.answer.steps if isinstance(step, ToolResult)]
    pictures: list[ResultPicture] = [picture for result in results for picture in result.pictures]
    found = [Picture(str(job.toolbox.path_of(one)), one.name, one.width, one.height) for one in pictures]
    return [picture for picture in found if Path(picture.path).exists()][-MOST_RESULT_PICTURES_SENT:]


async def _picture_url(client: EngineClient, picture: Picture) -> str:
    """A picture's URL for the engine: its file if both share the workspace, else its bytes."""
    path = Path(picture.path)
    if client.plan.pictures == "file":
        return path.as_uri()
    if (patches := client.plan.picture_patches) is not None:
        return data_url(await asyncio.to_thread(padded_file, path, patches), "image/png")
    data = await asyncio.to_thread(path.read_bytes)
    return data_url(data, media_type(path.name))
