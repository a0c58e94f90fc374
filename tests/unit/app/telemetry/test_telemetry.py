"""Traces and metrics of a turn: their names, what they never contain, and that nothing waits for a collector."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.files.pictures import PictureError
from app.talk.conversation import Picture, Turn
from app.telemetry import metrics, prometheus, spans
from app.telemetry.activity import activity
from app.telemetry.otel import SHUT_DOWN_SECONDS, Telemetry, telemetry
from engine import tracing
from engine.config import ROOT
from engine.status import EngineStatus
from tests.instruments.collector import Collector
from tests.instruments.scripted_engine import Script
from tests.unit.app.turn.test_run import Desk, desk

__all__ = ["desk"]

WORDS = "what-a-person-wrote"


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Tracing switched on; the spans stay here."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("test"))
    monkeypatch.setattr(telemetry, "on", True)
    yield exporter
    provider.shutdown()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> InMemoryMetricReader:
    """The page's instruments; their values stay here."""
    reader = InMemoryMetricReader()
    monkeypatch.setattr(metrics._Holder, "instruments", metrics.instruments())
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test")
    metrics.set_up(meter, lambda: EngineStatus(state="ready", restarts=2), lambda: 3)
    return reader


def by_name(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


async def turn(desk: Desk, *asked: Turn, **settings: Any) -> None:
    with spans.turn("the-thread", "ask"):
        with spans.step("receive"), spans.picture() as taken:
            taken.append(Picture("/a/file.png", "file.png", 640, 480))
        await desk.ask(*asked, **settings)
        assert desk.figures
        spans.turn_ended("stop", desk.figures)


async def test_a_turn_is_one_trace_with_the_conventions_names(desk: Desk, traced: InMemorySpanExporter) -> None:
    desk.engine.script = Script(reasoning=["So ", "it is."], answer=["A ", "sign."], rate=20)
    await turn(desk, temperature=0.3, top_p=0.5, max_tokens=77)
    found = by_name(traced)
    assert list(found) == ["picture", "receive", "queue", "chat scripted", "turn"]
    assert len({span.context.trace_id for span in found.values() if span.context}) == 1
    parents = {name: span.parent and span.parent.span_id for name, span in found.items()}
    assert parents["turn"] is None
    ids = {name: span.context.span_id for name, span in found.items() if span.context}
    assert parents["picture"] == ids["receive"]
    assert parents["receive"] == parents["queue"] == parents["chat scripted"] == ids["turn"]
    chat = found["chat scripted"]
    assert chat.attributes
    attributes = dict(chat.attributes)
    first = attributes.pop("gen_ai.response.time_to_first_chunk")
    assert isinstance(first, float)
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "sglang",
        "gen_ai.request.model": "scripted",
        "gen_ai.request.temperature": 0.3,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.max_tokens": 77,
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 4,
        "server.address": "127.0.0.1",
        "server.port": int(desk.engine.base_url.rsplit(":", 1)[1].removesuffix("/v1")),
        "kimi.request.messages": 1,
        "kimi.request.pictures": 0,
        "kimi.request.continuing": False,
    }
    assert [event.name for event in chat.events] == [
        "kimi.first_reasoning_token",
        "kimi.first_answer_token",
        "kimi.last_token",
    ]
    moments = [event.timestamp for event in chat.events]
    assert chat.start_time
    assert chat.end_time
    assert chat.start_time < moments[0] <= moments[1] <= moments[2] <= chat.end_time


async def test_the_engine_gets_the_trace(desk: Desk, traced: InMemorySpanExporter) -> None:
    await turn(desk)
    context = by_name(traced)["chat scripted"].context
    assert context
    sent = next(value for name, value in desk.engine.headers[-1].items() if name.lower() == "traceparent")
    assert sent.startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")


async def test_without_tracing_nothing_is_sent_along(desk: Desk) -> None:
    await turn(desk)
    assert "traceparent" not in {name.lower() for name in desk.engine.headers[-1]}


@pytest.mark.parametrize("content", [False, True])
async def test_what_people_write_is_in_a_span_only_where_that_is_asked_for(
    desk: Desk, traced: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bool
) -> None:
    monkeypatch.setattr(telemetry, "content", content)
    desk.plan(pictures="data")
    path = tmp_path / f"{WORDS}.png"
    path.write_bytes(b"the bytes")
    desk.engine.script = Script(reasoning=[WORDS], answer=[WORDS, "."])
    asked = Turn("1", WORDS, [Picture(str(path), WORDS, 1, 1)])
    await turn(desk, asked, system_prompt=WORDS, stop=[f"{WORDS}!"])
    desk.engine.script = Script(status=400, error=f"the engine repeats {WORDS}")
    with pytest.raises(Exception, match=WORDS):
        await turn(desk, asked)
    everything = "".join(span.to_json() for span in traced.get_finished_spans())
    assert (WORDS in everything) is content
    assert "base64" not in everything
    assert '"error.type": "BadRequestError"' in everything


async def test_a_file_that_is_no_picture_says_why_and_not_what(traced: InMemorySpanExporter) -> None:
    with pytest.raises(PictureError), spans.picture():
        raise PictureError("picture_broken", name=WORDS)
    span = by_name(traced)["picture"]
    assert span.attributes == {"error.type": "picture_broken", "kimi.picture.count": 0}
    assert WORDS not in span.to_json()


async def test_a_stopped_turn_is_no_error(desk: Desk, traced: InMemorySpanExporter) -> None:
    desk.engine.script = Script(hold=True)
    asking = asyncio.create_task(turn(desk))
    while not desk.engine.requests:
        await asyncio.sleep(0.01)
    assert activity.streams == 1
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert activity.streams == 0
    chat = by_name(traced)["chat scripted"]
    assert chat.attributes
    assert chat.attributes["kimi.stopped"] is True
    assert "error.type" not in chat.attributes


async def test_every_metric_is_measured_and_documented(desk: Desk, measured: InMemoryMetricReader) -> None:
    desk.engine.script = Script(reasoning=["So ", "it is."], answer=["A ", "sign."], rate=50)
    await turn(desk)
    text = prometheus.render(measured.get_metrics_data())
    who = 'gen_ai_operation_name="chat",gen_ai_provider_name="sglang",gen_ai_request_model="scripted"'
    assert 'kimi_turns_total{kimi_ending="stop"} 1' in text
    assert f'gen_ai_client_token_usage_sum{{{who},gen_ai_token_type="input"}} 11' in text
    assert f'gen_ai_client_token_usage_sum{{{who},gen_ai_token_type="output"}} 4' in text
    assert f"gen_ai_client_operation_duration_seconds_count{{{who}}} 1" in text
    assert f"gen_ai_client_operation_time_to_first_chunk_seconds_count{{{who}}} 1" in text
    assert f"kimi_inter_token_latency_seconds_count{{{who}}} 1" in text
    assert "kimi_picture_duration_seconds_count 1" in text
    assert 'kimi_engine_state{kimi_state="ready"} 1' in text
    assert 'kimi_engine_state{kimi_state="failed"} 0' in text
    assert "kimi_engine_restarts_total 2" in text
    assert "kimi_chats_open 3" in text
    assert "kimi_streams_active 0" in text
    documented = (ROOT / "docs" / "observability.md").read_text()
    for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE):
        assert f"`{name}`" in documented, name


def test_the_text_is_what_prometheus_reads(measured: InMemoryMetricReader) -> None:
    metrics.instruments().turns.add(1, {"kimi.ending": 'a "quoted"\nline\\'})
    text = prometheus.render(measured.get_metrics_data())
    assert 'kimi_turns_total{kimi_ending="a \\"quoted\\"\\nline\\\\"} 1\n' in text
    metrics.instruments().pictures.record(0.02)
    metrics.instruments().pictures.record(3)
    text = prometheus.render(measured.get_metrics_data())
    assert 'kimi_picture_duration_seconds_bucket{le="0.01"} 0\n' in text
    assert 'kimi_picture_duration_seconds_bucket{le="0.025"} 1\n' in text
    assert 'kimi_picture_duration_seconds_bucket{le="+Inf"} 2\n' in text


@pytest.mark.parametrize("dashboard", sorted((ROOT / "docs" / "grafana").glob("*.json")), ids=lambda path: path.stem)
async def test_every_metric_of_ours_on_a_dashboard_exists(
    desk: Desk, measured: InMemoryMetricReader, dashboard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await turn(desk)
    monkeypatch.setattr(activity, "queued", 0)
    metrics.instruments().between.record(0.1)
    text = prometheus.render(measured.get_metrics_data())
    ours = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    board = json.loads(dashboard.read_text())
    named = {
        name
        for panel in board["panels"]
        for target in panel.get("targets", [])
        for name in re.findall(r"\b(?:kimi|gen_ai)_\w+", re.sub(r"\{[^}]*\}|by \([^)]*\)", "", target["expr"]))
    }
    assert named, "the pattern finds the metrics no more"
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} <= ours


TURN = """
import asyncio, json, os, sys
from app.telemetry import metrics, spans
from app.telemetry.otel import telemetry

telemetry.set_up(console="console" in sys.argv)
metrics.set_up(telemetry.meter(), lambda: None, lambda: 0)
for _ in range(3):
    with spans.turn("thread", "ask"):
        spans.turn_ended("stop", None)
print(json.dumps({"on": telemetry.on}), file=sys.stderr)
telemetry.shut_down()
"""


def run_turn(*arguments: str, **environment: str) -> tuple[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", TURN, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout, json.loads(done.stderr.splitlines()[0])


def test_off_is_off() -> None:
    assert run_turn() == ("", {"on": False})
    assert run_turn(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_SDK_DISABLED="true") == ("", {"on": False})


def test_the_console_gets_one_line_a_span() -> None:
    printed, said = run_turn("console")
    assert said["on"]
    assert [json.loads(line)["name"] for line in printed.splitlines()] == ["turn"] * 3


def test_a_collector_gets_traces_and_metrics() -> None:
    with Collector() as collector:
        run_turn(OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_SERVICE_NAME="a page")
    assert [(span.service, span.name) for span in collector.spans] == [("a page", "turn")] * 3
    assert "kimi.turns" in collector.metrics


def test_a_collector_that_is_away_costs_no_turn() -> None:
    began = time.monotonic()
    _, said = run_turn(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert said["on"]
    assert time.monotonic() - began < 30


@pytest.fixture
def exporters_end() -> Iterator[None]:
    """Waits at the end for the threads that still try to send, and pause for times by chance between two tries.

    They would change what `random` gives to the tests that follow, of which Hypothesis complains.
    """
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("Otel") or "_shut_down" in thread.name:
            thread.join(60)
            assert not thread.is_alive()


@pytest.mark.parametrize("hangs", [False, True])
async def test_answers_come_whatever_the_collector_does(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, hangs: bool, exporters_end: None
) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if hangs:
            listener.listen()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
        # Longer than the end of the page waits, and short enough for the test.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "4")
        away = Telemetry()
        away.set_up()
        monkeypatch.setattr(spans, "telemetry", away)
        for _ in range(5):
            async with asyncio.timeout(30):
                await turn(desk)
            await asyncio.sleep(0.05)
        began = time.monotonic()
        away.shut_down()
        assert time.monotonic() - began < 3 * SHUT_DOWN_SECONDS
    assert len(desk.engine.requests) == 5


def test_where_signals_go() -> None:
    base = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/"}
    assert tracing.engine_traces({}) is None
    assert tracing.engine_traces(base) == "http://collector:4318/v1/traces"
    assert tracing.engine_traces(base | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t/x"}) == "http://t/x"
    assert tracing.engine_traces(base | {"OTEL_TRACES_EXPORTER": "none"}) is None
    assert tracing.engine_traces(base | {"OTEL_TRACES_EXPORTER": "console"}) is None
    assert tracing.exporter(base | {"OTEL_TRACES_EXPORTER": "none"}, "metrics") == "otlp"


def test_the_env_file_names_the_collector_unless_the_environment_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text("OTEL_SERVICE_NAME=by-file\nOTEL_EXPORTER_OTLP_ENDPOINT=http://by-file\nOTHER=1\n")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "by-environment")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT")
    tracing.take_standard_settings(file)
    assert os.environ["OTEL_SERVICE_NAME"] == "by-environment"
    assert os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://by-file"
    assert "OTHER" not in os.environ
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
