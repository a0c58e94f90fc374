"""One span per turn where tracing is on; nothing at all where it is off."""

import json
import subprocess
import sys
from typing import Any

import pytest

from engine.config import ROOT

TURN = """
from app import telemetry
from app.stream import Usage
from app.turn import Figures

telemetry.set_up()
with telemetry.turn_span(pictures=2, continuing=False) as span:
    telemetry.record(span, Figures("a model", 0.25, 1.0, Usage(11, 22), "stop"))
telemetry.shut_down()
import sys
print("sdk loaded" if "opentelemetry.sdk.trace.export" in sys.modules else "sdk not loaded", file=sys.stderr)
"""


def run_turn(**environment: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", TURN], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout, done.stderr


def test_off_is_off() -> None:
    printed, errors = run_turn()
    assert printed == ""
    assert "sdk not loaded" in errors


def test_a_turn_is_one_span_with_the_conventions_names() -> None:
    printed, _ = run_turn(KIMI_TRACE="console")
    span: dict[str, Any] = json.loads(printed)
    assert span["name"] == "chat a model"
    assert span["attributes"] == {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "a model",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 22,
        "kimi.pictures": 2,
        "kimi.continuing": False,
        "kimi.first_token_seconds": 0.25,
    }


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9"])
def test_a_collector_that_is_away_costs_no_turn(endpoint: str) -> None:
    run_turn(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_TIMEOUT="1")
