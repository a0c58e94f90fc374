"""The spans of a turn, one trace each: `turn` above `receive` (with its pictures), `queue` and `chat MODEL`.

Names follow OpenTelemetry's conventions for generative AI where they exist, and are `kimi.…` otherwise;
docs/observability.md lists them. Spans do not contain what users write or show, unless `KIMI_TRACE_CONTENT=1`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.talk.conversation import Answer, Message, Picture
from app.talk.figures import Figures
from app.talk.stream_timer import Clock
from app.telemetry import logs
from app.telemetry.activity import activity
from app.telemetry.metrics import instruments
from app.telemetry.otel import telemetry

if TYPE_CHECKING:
    from engine.plans.launch import LaunchPlan

_PROPAGATOR = TraceContextTextMapPropagator()


@contextmanager
def turn(thread: str, action: str) -> Iterator[Span]:
    """A whole turn, from the browser's event to the last batch of text; `action`: ask, retry, regenerate, continue."""
    attributes = {"gen_ai.conversation.id": thread, "kimi.turn.action": action}
    with logs.about(thread), _span("turn", SpanKind.SERVER, attributes) as span:
        yield span


def turn_ended(ending: str, figures: Figures | None, error: str = "") -> None:
    """Records how the current turn's answer ended: stop, length, stopped, error."""
    span = get_current_span()
    if span.is_recording():
        span.set_attribute("kimi.turn.ending", ending)
        if error:
            span.set_attribute("error.type", error)
            span.set_status(StatusCode.ERROR)
    instruments().turns.add(1, {"kimi.ending": ending})
    facts: dict[str, object] = {"ending": ending}
    if error:
        facts["error"] = error
    if figures:
        facts |= {"model": figures.model, "first_token": figures.first_token, "speed": figures.tokens_per_second}
        if figures.usage:
            facts |= {"tokens_in": figures.usage.prompt_tokens, "tokens_out": figures.usage.completion_tokens}
    logs.event("turn ended", **facts)


@contextmanager
def step(name: str) -> Iterator[Span]:
    """A part of the turn: `receive`, `queue`."""
    with _span(name, SpanKind.INTERNAL, {}) as span:
        yield span


@contextmanager
def picture() -> Iterator[list[Picture]]:
    """The checking and preparing of one uploaded file; add the resulting pictures to the yielded list."""
    began = time.monotonic()
    taken: list[Picture] = []
    error = ""
    with _span("picture", SpanKind.INTERNAL, {}) as span:
        try:
            yield taken
        except Exception as found:
            # PictureError's key names the problem and reveals nothing of the file's content.
            error = getattr(found, "key", type(found).__name__)
            span.set_attribute("error.type", error)
            raise
        finally:
            span.set_attribute("kimi.picture.count", len(taken))
            if taken:
                span.set_attribute("kimi.picture.width", taken[0].width)
                span.set_attribute("kimi.picture.height", taken[0].height)
            instruments().pictures.record(time.monotonic() - began, {"error.type": error} if error else {})


@dataclass
class Asked:
    """A running request to the engine."""

    plan: LaunchPlan
    figures: Figures
    span: Span
    clock: Clock = field(default_factory=Clock)
    headers: dict[str, str] = field(default_factory=dict)
    """Headers for the request, so that the engine's spans join the trace; empty without tracing."""
    error: str = ""


@contextmanager
def request(plan: LaunchPlan, body: dict[str, Any], figures: Figures, answer: Answer) -> Iterator[Asked]:
    """One request to the engine, from sending it to its last token; `figures` are recorded at the end."""
    attributes = _request_attributes(plan, body) | {"kimi.request.continuing": not answer.empty} if telemetry.on else {}
    with _span(f"chat {figures.model}", SpanKind.CLIENT, attributes) as span, activity.streaming_one():
        asked = Asked(plan, figures, span)
        if span.is_recording():
            _PROPAGATOR.inject(asked.headers)
        try:
            yield asked
        except Exception as error:
            asked.error = type(error).__name__
            span.set_attribute("error.type", asked.error)
            span.set_status(StatusCode.ERROR)
            raise
        finally:
            figures.first_token, figures.writing = asked.clock.first_token, asked.clock.writing
            activity.add(figures.model, figures.first_token, figures.tokens_per_second)
            instruments().request(plan.engine, figures, time.monotonic() - asked.clock.asked, asked.error)
            if span.is_recording():
                _finish(asked, body["messages"], answer)


def _finish(asked: Asked, messages: list[Message], answer: Answer) -> None:
    span, clock, figures = asked.span, asked.clock, asked.figures
    for name, moment in (
        ("kimi.first_reasoning_token", clock.first_reasoning),
        ("kimi.first_answer_token", clock.first_answer),
    ):
        if moment is not None:
            span.add_event(name, timestamp=clock.unix_ns(moment))
    if clock.first is not None:
        span.add_event("kimi.last_token", timestamp=clock.unix_ns(clock.last))
        span.set_attribute("gen_ai.response.time_to_first_chunk", clock.first - clock.asked)
    if figures.finish_reason:
        span.set_attribute("gen_ai.response.finish_reasons", [figures.finish_reason])
    if usage := figures.usage:
        span.set_attribute("gen_ai.usage.input_tokens", usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", usage.completion_tokens)
        if usage.reasoning_tokens is not None:
            span.set_attribute("gen_ai.usage.reasoning.output_tokens", usage.reasoning_tokens)
        if usage.cached_tokens is not None:
            span.set_attribute("gen_ai.usage.cache_read.input_tokens", usage.cached_tokens)
    if telemetry.content:
        span.set_attribute("gen_ai.input.messages", json.dumps([_message(m) for m in messages], ensure_ascii=False))
        parts = [{"type": part.kind, "content": part.text} for part in answer.parts]
        output = [{"role": "assistant", "parts": parts, "finish_reason": figures.finish_reason}]
        span.set_attribute("gen_ai.output.messages", json.dumps(output, ensure_ascii=False))


def _request_attributes(plan: LaunchPlan, body: dict[str, Any]) -> dict[str, Any]:
    server = urlsplit(plan.base_url)
    content = [message["content"] for message in body["messages"]]
    pictures = sum(part["type"] == "image_url" for parts in content if isinstance(parts, list) for part in parts)
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": plan.engine,
        "gen_ai.request.model": body["model"],
        "gen_ai.request.temperature": body["temperature"],
        "gen_ai.request.top_p": body["top_p"],
        "gen_ai.request.max_tokens": body["max_tokens"],
        "gen_ai.request.stream": body["stream"],
        "server.address": server.hostname or "",
        "kimi.request.messages": len(content),
        "kimi.request.pictures": pictures,
    }
    if server.port:
        attributes["server.port"] = server.port
    if stop := body.get("stop"):
        # The user wrote the sequences, so only their number is recorded.
        attributes["kimi.request.stop_sequences"] = len(stop)
        if telemetry.content:
            attributes["gen_ai.request.stop_sequences"] = stop
    return attributes


def _message(message: Message) -> dict[str, Any]:
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"role": message["role"], "parts": [_part(part) for part in parts]}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] == "text":
        return {"type": "text", "content": part["text"]}
    url = part["image_url"]["url"]
    # The file's address, because the picture itself would make a span of megabytes.
    return {"type": "uri", "modality": "image", "uri": url if url.startswith("file:") else "data:"}


@contextmanager
def _span(name: str, kind: SpanKind, attributes: dict[str, Any]) -> Iterator[Span]:
    # An exception's message may quote what a user wrote, so a span gets only its class.
    with telemetry.tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except asyncio.CancelledError:
            span.set_attribute("kimi.stopped", True)
            raise
