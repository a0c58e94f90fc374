"""OpenTelemetry: one span per turn, named as the GenAI conventions say. Off unless it is configured.

On with `OTEL_EXPORTER_OTLP_ENDPOINT` (sent there by OTLP over HTTP) or `KIMI_TRACE=console` (printed). What people
write and show is never in a span.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import Span, Tracer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from app.turn import Figures

_NAME = "kimi-vl-chat"
_tracer: Tracer = trace.NoOpTracer()
_provider: TracerProvider | None = None


def set_up() -> None:
    """Switches tracing on where the environment asks for it; called once, when the page starts."""
    global _tracer, _provider  # noqa: PLW0603 - the one switch of this module
    console = os.environ.get("KIMI_TRACE") == "console"
    if not (console or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
        return
    # Imported only here: off must cost nothing.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", _NAME)}))
    provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter() if console else OTLPSpanExporter()))
    _tracer = provider.get_tracer(_NAME)
    _provider = provider


def shut_down() -> None:
    """Sends what is still waiting to be sent."""
    if _provider:
        _provider.shutdown()


@contextmanager
def turn_span(*, pictures: int, continuing: bool) -> Iterator[Span]:
    """The span of one turn: from the question to the last token, waiting for the engine included."""
    with _tracer.start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("kimi.pictures", pictures)
        span.set_attribute("kimi.continuing", continuing)
        yield span


def record(span: Span, figures: Figures) -> None:
    """Puts the figures of a finished turn into its span."""
    span.update_name(f"chat {figures.model}")
    span.set_attribute("gen_ai.request.model", figures.model)
    span.set_attribute("gen_ai.response.finish_reasons", [figures.finish_reason])
    if figures.first_token is not None:
        span.set_attribute("kimi.first_token_seconds", figures.first_token)
    if figures.usage:
        span.set_attribute("gen_ai.usage.input_tokens", figures.usage.prompt_tokens)
        span.set_attribute("gen_ai.usage.output_tokens", figures.usage.completion_tokens)
