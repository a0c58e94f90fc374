"""vLLM's own serving benchmark against the real vLLM."""

from __future__ import annotations

import os
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from engine.engines.vllm.launch import vllm_argv
from engine.measure.running_engine import NotRunningError, Running, ask_about
from engine.measure.speed import command, results
from engine.measure.speed.scenarios import SCENARIOS, Load
from engine.plans.launch import LaunchPlan
from tests.instruments.nano_server import KEY, MAX_MODEL_LEN
from tests.instruments.vllm_server import VllmServer

pytestmark = pytest.mark.vllm


@pytest.fixture
def nano(vllm: VllmServer) -> Running:
    """The nano model as `./start.sh bench` finds it."""
    plan = LaunchPlan(
        engine="vllm", model="nano", served_name="nano", base_url=f"{vllm.url}/v1", pictures="file",
        argv=tuple(vllm_argv(vllm.launch)), accelerator="CPU",
    )  # fmt: skip
    return ask_about(plan, KEY)


def test_the_engine_reports_what_it_holds(nano: Running) -> None:
    assert (nano.context, nano.sequences, nano.version) == (MAX_MODEL_LEN, 16, "0.32.0")
    assert Path(nano.weights).is_dir()
    with pytest.raises(NotRunningError, match="does not answer"):
        ask_about(nano.plan, "another key")


async def test_a_quick_chat_is_measured_kept_drawn_and_printed(
    nano: Running, vllm: VllmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy in the environment must not redirect the programs of the real run.
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:9")
    # One load: each is a program of its own, whose start costs more than its requests.
    chat = replace(SCENARIOS["chat"], loads=(Load(4, 20),))
    tokens = "vllm:generation_tokens_total"
    before, said = await vllm.metric(tokens), StringIO()
    run = command.bench(nano, [chat], tmp_path, quick=True, console=Console(file=said, width=200, highlight=False))
    assert [(row.concurrency, row.completed) for row in run.rows] == [(4, 8)]
    # Every answer has its full length: the end of turn is ignored.
    answers = sum(row.completed * row.output_len for row in run.rows)
    assert await vllm.metric(tokens) - before == answers
    for row in run.rows:
        assert 0 < row.latencies["median_ttft"] < row.latencies["median_e2el"]
        assert row.output_tokens_per_second == pytest.approx(row.completed * row.output_len / row.seconds, rel=0.05)
    assert results.find(tmp_path, run.name) == run
    assert (tmp_path / f"{run.name}.svg").read_text().startswith("<svg")
    assert "125/125" in said.getvalue()
    assert all(KEY not in path.read_text() for path in tmp_path.iterdir())
