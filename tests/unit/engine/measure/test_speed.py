"""The benchmark's command lines, parsing of the reports, comparison and plots."""

from __future__ import annotations

import argparse
import json
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from engine.catalog import models
from engine.config import ROOT
from engine.measure.running_engine import Running
from engine.measure.speed import command, measuring, plot, results, tools
from engine.measure.speed.references import _guides
from engine.measure.speed.results import NoResultError, Run
from engine.measure.speed.scenarios import SCENARIOS, Load, made_quick
from engine.measure.speed.tools import Measured, NoToolError, ToolFailedError
from engine.plans.flags import split, value
from engine.plans.launch import LaunchPlan

SECRET = "a-key-that-must-not-be-seen"
# As vLLM 0.32 wrote it for nano, shortened; SGLang's names are those of its bench_serving.
VLLM_SAID: dict[str, Any] = {
    "date": "20261122-033120", "backend": "openai-chat", "num_prompts": 2, "duration": 3.17, "completed": 2,
    "failed": 0, "total_input_tokens": 266, "request_throughput": 0.63, "output_throughput": 78.9,
    "total_token_throughput": 162.8, "median_ttft_ms": 44.8, "p99_ttft_ms": 54.5, "median_tpot_ms": 12.4,
    "median_itl_ms": 12.4, "median_e2el_ms": 1582.0, "mean_e2el_ms": 1583.0,
}  # fmt: skip
SGLANG_SAID = {
    "duration": 3.0, "completed": 2, "request_throughput": 0.6, "output_throughput": 80.0, "total_throughput": 160.0,
    "median_ttft_ms": 40.0, "median_tpot_ms": 12.0, "median_e2e_latency_ms": 1500.0, "server_info": {"api_key": SECRET},
}  # fmt: skip


def running(engine: str = "vllm", model: str = "nano", **facts: Any) -> Running:
    argv = ("/env/bin/python", "-m", "server", "--model" if engine == "vllm" else "--model-path", "/weights of it")
    argv += ("--max-num-seqs" if engine == "vllm" else "--max-running-requests", "16")
    plan = LaunchPlan(
        engine=engine, model=model, served_name=model, base_url="http://127.0.0.1:8123/v1", pictures="data",
        argv=argv, env={"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}, accelerator="CPU",
    )  # fmt: skip
    return Running(**{"plan": plan, "key": SECRET, "context": 4096, "version": "0.32.0"} | facts)


def measured(concurrency: int = 1, **changes: Any) -> Measured:
    row = tools.parse(json.dumps(VLLM_SAID), SCENARIOS["chat"], Load(concurrency, 10), ["python"])
    return replace(row, **changes)


def a_run(name: str, *rows: Measured) -> Run:
    return Run(name, "2026-11-22", "nano", "vllm", "0.32.0", "CPU", 4096, ("python",), quick=False, rows=list(rows))


def test_the_scenarios_are_the_published_ones() -> None:
    reported = {
        name: (s.input_len, s.output_len, [(load.concurrency, load.prompts) for load in s.loads])
        for name, s in SCENARIOS.items()
    }
    long = [(1, 10), (16, 80), (64, 320)]
    assert reported["chat"] == (1000, 1000, [(1, 10), (16, 80), (100, 500)])
    assert reported["reasoning"] == (1000, 8000, long)
    assert reported["summarisation"] == (8000, 1000, long)
    assert reported["sweep"][2] == [(n, 10 * n) for n in (1, 2, 4, 8, 16, 32)]
    steady = [SCENARIOS[f"steady-{n}"] for n in (512, 1024, 2048)]
    assert [(s.input_len, s.output_len, s.loads) for s in steady] == [
        (n, n, (Load(10, 10, rate=1.0),)) for n in (512, 1024, 2048)
    ]
    assert [SCENARIOS[f"pictures-{size}"].picture for size in ("720p", "1080p")] == [(1280, 720), (1920, 1080)]


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("context", [1200, 4096, 131072, None])
def test_quick_fits_the_engine_in_context_and_in_requests_at_once(name: str, context: int | None) -> None:
    full, pixels = SCENARIOS[name], 802816
    quick = made_quick(full, context, 16, pixels)
    assert context is None or quick.tokens(pixels) <= context
    assert max(load.concurrency for load in quick.loads) <= 16
    assert quick.input_len < full.input_len
    assert sum(load.prompts for load in quick.loads) < sum(load.prompts for load in full.loads)
    # The shape stays: more out than in, or the other way round.
    assert (quick.input_len < quick.output_len) == (full.input_len < full.output_len)
    assert len({load.concurrency for load in quick.loads}) == len(quick.loads)


def test_a_picture_fills_the_context_as_the_model_counts_it() -> None:
    assert SCENARIOS["pictures-720p"].picture_tokens(10**9) == 46 * 26
    assert SCENARIOS["pictures-1080p"].picture_tokens(802816) <= 1100
    assert SCENARIOS["chat"].picture_tokens(802816) == 0


def test_vllms_command_line_says_what_is_measured_and_no_secret(tmp_path: Path) -> None:
    scenario = SCENARIOS["pictures-1080p"]
    argv = tools.command(running(), scenario, Load(16, 80), tmp_path / "out.json", 7)
    assert argv[:3] == ["/env/bin/python", "-m", "engine.engines.vllm.bench"]
    expected = {
        "--model": "/weights of it", "--served-model-name": "nano", "--base-url": "http://127.0.0.1:8123",
        "--backend": "openai-chat", "--dataset-name": "random-mm", "--random-input-len": "128",
        "--random-output-len": "128", "--num-prompts": "80", "--max-concurrency": "16", "--seed": "7",
        "--random-mm-bucket-config": "{(1080, 1920, 1): 1.0}", "--result-filename": "out.json",
    }  # fmt: skip
    assert {flag: value(argv, flag) for flag in expected} == expected
    assert value(tools.command(running(), SCENARIOS["chat"], Load(1, 10), tmp_path, 7), "--dataset-name") == "random"
    assert SECRET not in " ".join(argv)


def test_sglangs_command_line_asks_for_fixed_lengths_without_a_download(tmp_path: Path) -> None:
    argv = tools.command(running("sglang"), SCENARIOS["reasoning"], Load(64, 320), tmp_path / "o", 7)
    flags = {flag[0]: flag[1:] for flag in split(argv)}
    assert argv[:3] == ["/env/bin/python", "-m", "sglang.bench_serving"]
    assert flags["--dataset-name"] == ("random-ids",)
    assert flags["--random-range-ratio"] == ("1",)
    assert (flags["--random-input-len"], flags["--random-output-len"]) == (("1000",), ("8000",))
    assert flags["--tokenizer"] == ("/weights of it",)
    pictures = tools.command(running("sglang"), SCENARIOS["pictures-720p"], Load(1, 10), tmp_path / "o", 7)
    assert (value(pictures, "--dataset-name"), value(pictures, "--image-resolution")) == ("image", "720x1280")


@pytest.mark.parametrize("engine", ["reader", "llama", "openai"])
def test_an_engine_without_a_benchmark_says_what_to_do(engine: str, tmp_path: Path) -> None:
    with pytest.raises(NoToolError, match=r"start a vision model|llama-bench|where it runs"):
        tools.command(running(engine), SCENARIOS["chat"], Load(1, 10), tmp_path, 7)


def test_the_key_is_in_the_environment_and_no_proxy_is_used() -> None:
    env = tools.environment(running(), {"PATH": "/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"})
    assert env["OPENAI_API_KEY"] == SECRET
    assert "127.0.0.1" in env["no_proxy"]
    assert (env["PATH"], env["HF_HUB_OFFLINE"]) == ("/bin", "1")
    assert not {"OTEL_EXPORTER_OTLP_ENDPOINT", "OMP_NUM_THREADS"} & env.keys()


def test_both_programs_reports_are_read_and_nothing_secret_is_kept() -> None:
    ours = tools.parse(json.dumps(VLLM_SAID), SCENARIOS["chat"], Load(1, 2), ["a"])
    theirs = tools.parse("\n" + json.dumps(SGLANG_SAID) + "\n", SCENARIOS["chat"], Load(1, 2), ["a"])
    assert (ours.output_tokens_per_second, ours.latencies["median_e2el"]) == (78.9, 1582.0)
    assert (theirs.total_tokens_per_second, theirs.latencies["median_e2el"]) == (160.0, 1500.0)
    assert "p99_ttft" not in theirs.latencies
    assert SECRET not in repr(theirs)


@pytest.mark.parametrize("text", ["", "{}", "no JSON", json.dumps(VLLM_SAID | {"completed": 0})])
def test_a_report_of_nothing_is_an_error(text: str) -> None:
    with pytest.raises(ToolFailedError):
        tools.parse(text or "\n ", SCENARIOS["chat"], Load(1, 2), ["a"])


def test_a_steady_load_is_asked_for_by_its_rate(tmp_path: Path) -> None:
    for engine in ("vllm", "sglang"):
        steady = tools.command(running(engine), SCENARIOS["steady-1024"], *SCENARIOS["steady-1024"].loads, tmp_path, 7)
        assert (value(steady, "--request-rate"), value(steady, "--num-prompts")) == ("1", "10")
        chat = tools.command(running(engine), SCENARIOS["chat"], Load(1, 10), tmp_path, 7)
        assert value(chat, "--request-rate") == "inf"


def test_the_guides_figures_stand_beside_ones_own_with_what_differs() -> None:
    row = measured(8, scenario="sweep", input_len=1024, output_len=1024, prompts=80)
    mine = replace(a_run("mine", row), model="Kimi-K2-Thinking", accelerator="16 x Atlas A3")
    said = StringIO()
    for shown in (*command.tables(mine), *command.reference_lines(mine)):
        Console(file=said, width=240).print(shown)
    printed = said.getvalue()
    assert "between tokens, mean ms" in printed
    assert re.search(r"sweep\s+│ 8\s+│ output tokens/s\s+│\s+78.9 │\s+90.3 │", printed)
    assert "one Atlas 800 A3" in printed
    assert "not comparable" not in printed
    other = replace(mine, accelerator="8 x H200", rows=[replace(row, scenario="steady-512", concurrency=10)])
    assert "not comparable: other devices" in str(command.reference_lines(other)[1])
    # A quick run has other lengths, and no guide has measured nano.
    assert command.reference_lines(replace(mine, quick=True)) == command.reference_lines(a_run("nano", row)) == []


def test_the_guides_figures_are_of_known_models_scenarios_and_fields() -> None:
    for guide in _guides():
        assert guide["model"] in models()
        for row in guide["rows"]:
            assert row["concurrency"] in {load.concurrency for load in SCENARIOS[row["scenario"]].loads}
            assert row.keys() - {"scenario", "concurrency"} <= {key for key, _ in results.FIGURES.values()}


def test_a_run_is_kept_and_found_again_by_its_name(tmp_path: Path) -> None:
    kept = a_run("20261122-a-chat", measured(1), measured(16, picture=(1280, 720)))
    kept.write(tmp_path)
    a_run("20261123-b-chat", measured()).write(tmp_path)
    assert results.find(tmp_path, "20261122") == kept
    assert results.find(tmp_path, str(tmp_path / "20261122-a-chat.json")) == kept
    assert [run.name for run in results.earlier(tmp_path)] == ["20261122-a-chat", "20261123-b-chat"]
    with pytest.raises(NoResultError, match="2 runs are called chat"):
        results.find(tmp_path, "chat")
    with pytest.raises(NoResultError, match="20261123-b-chat"):
        results.find(tmp_path, "20301")


@pytest.mark.parametrize("text", ['{"machine": {}, "streams": []}', "[]", '"run"', "{", '{"launch": [], "rows": [1]}'])
def test_a_file_that_is_no_run_is_in_nobodys_way(tmp_path: Path, text: str) -> None:
    kept = a_run("20261122-a-chat", measured())
    kept.write(tmp_path)
    foreign = tmp_path / "20261122-foreign.json"
    foreign.write_text(text)
    assert results.earlier(tmp_path) == [kept]
    assert results.find(tmp_path, "20261122") == kept
    with pytest.raises(NoResultError, match="No run is called"):
        results.find(tmp_path, foreign.stem)
    with pytest.raises(NoResultError, match="is not a run"):
        results.find(tmp_path, str(foreign))


def test_only_what_was_measured_in_the_same_way_is_compared() -> None:
    first = a_run("A", measured(1), measured(16), measured(1, input_len=500))
    second = a_run("B", measured(1, output_tokens_per_second=157.8), measured(100))
    found = {difference.figure: difference for difference in results.compare(first, second)}
    assert {difference.row.concurrency for difference in found.values()} == {1}
    assert len(results.compare(first, second)) == len(found)
    assert found["output tokens/s"].ratio == pytest.approx(2.0)
    assert found["output tokens/s"].better
    slower = a_run("C", measured(1, latencies={"median_ttft": 90.0}))
    (latency,) = [d for d in results.compare(first, slower) if d.figure == "first token, median ms"]
    assert not latency.better


def test_the_comparison_is_printed_and_a_wrong_name_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, speed in (("one", 100.0), ("two", 150.0)):
        a_run(name, measured(output_tokens_per_second=speed)).write(tmp_path)
    said = StringIO()
    assert command.compare(tmp_path, ["one", "two"], Console(file=said, width=120)) == 0
    assert "1.50" in said.getvalue()
    with pytest.raises(NoResultError, match="known are: one, two"):
        command.compare(tmp_path, ["one"], Console(file=said))


def test_the_plot_is_xml_with_a_panel_a_scenario_and_earlier_runs_beside_it() -> None:
    now = a_run("<now>", measured(1), measured(16), measured(1, scenario="sweep"))
    before = [a_run(f"old {index}", measured(1)) for index in range(9)]
    svg = ET.fromstring(plot.draw(now, before))
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert len([text for text in texts if text and "tokens in" in text]) == 2
    # The latest four, not all nine.
    assert [text for text in texts if text and text.startswith("old")] == ["old 8", "old 7", "old 6", "old 5"]
    assert texts.count("<now>") == 2
    points = list(svg.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(points) == 3 + 4
    assert all(0 < float(point.get("cx") or 0) < 640 and 0 < float(point.get("cy") or 0) < 360 for point in points)


def test_a_scenario_that_does_not_fit_is_reported_before_anything_is_measured(tmp_path: Path) -> None:
    quiet = Console(file=StringIO())
    with pytest.raises(ToolFailedError, match="add --quick"):
        command.bench(running(), [SCENARIOS["reasoning"]], tmp_path, quick=False, console=quiet)
    with pytest.raises(ToolFailedError, match="even with --quick: omit it"):
        command.bench(running(context=900), [SCENARIOS["pictures-720p"]], tmp_path, quick=True, console=quiet)
    text_only = running(model="Kimi-K2-Thinking", context=262144)
    with pytest.raises(ToolFailedError, match="accepts no pictures"):
        command.bench(text_only, [SCENARIOS["pictures-720p"]], tmp_path, quick=True, console=quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_programs_output_and_end_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import json, os, sys\n"
        "sys.stderr.write('  0%|  | 0/2 [00:00<?]\\r 50%|# | 1/2 [00:01<00:01]\\r100%|##| 2/2 [00:02<00:00]\\n')\n"
        "sys.exit('broken') if sys.argv[2] == '0' else None\n"
        f"open(sys.argv[1], 'w').write({json.dumps(json.dumps(VLLM_SAID))})\n"
    )

    def stand_in(*args: Any) -> list[str]:
        return [sys.executable, "-c", script, str(args[3]), str(args[4])]

    monkeypatch.setattr(tools, "command", stand_in)
    heard: list[int] = []
    how: dict[str, Any] = {"base": {}, "log": tmp_path / "log", "hear": heard.append}
    row = measuring.measure(running(), SCENARIOS["chat"], Load(1, 2), seed=1, **how)
    assert (heard, row.completed) == ([0, 1, 2], 2)
    with pytest.raises(ToolFailedError, match=r"status 1: .*broken"):
        measuring.measure(running(), SCENARIOS["chat"], Load(1, 2), seed=0, **how)
    assert SECRET not in (tmp_path / "log").read_text()


def test_the_words_are_those_of_start_sh() -> None:
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    assert parser.parse_args([]).what == ["chat"]
    assert parser.parse_args(["compare", "a", "b"]).what == ["compare", "a", "b"]
    assert "bench" in (ROOT / "start.sh").read_text()
