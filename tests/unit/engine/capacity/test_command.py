"""`plan --people`: the smallest number that meets the goals, and one sentence where there is none."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.capacity.needs import LEAST_SPEED, MOST_WAIT, SHARE, NeedsError, measured_speed, needs
from engine.capacity.simulation import Demand, Speed, simulate
from engine.commands.cli import main
from engine.measure.speed.results import Run
from engine.measure.speed.tools import Measured


def row(scenario: str, concurrency: int, speed: float) -> Measured:
    return Measured(scenario, 1000, 1000, None, concurrency, 10, 10, 1.0, 1.0, speed, speed, {}, ())


RUN = Run(
    "monday", "2026-11-30", "nano", "vllm", "0.32", "CPU", 4096, (), quick=False,
    rows=[row("chat", 1, 60.0), row("chat", 16, 700.0), row("chat", 100, 1500.0)],
)  # fmt: skip


def test_one_engine_fewer_would_not_do() -> None:
    demand, speed = Demand(300, 30, 600), Speed(60, 600, 16)
    found = needs(demand, speed)
    assert found.engines > 1
    assert found.outcome.wait(SHARE) <= MOST_WAIT
    assert found.outcome.speed(SHARE) >= LEAST_SPEED
    fewer = simulate(demand, speed, found.engines - 1)
    assert fewer.wait(SHARE) > MOST_WAIT or fewer.speed(SHARE) < LEAST_SPEED


def test_many_tokens_need_several_pages() -> None:
    assert needs(Demand(10, 12, 400), Speed(60, 1500, 64)).pages == 1
    assert needs(Demand(300, 300, 400), Speed(300, 6000, 100)).pages > 1


def test_a_run_of_bench_gives_the_speed() -> None:
    assert measured_speed(RUN) == Speed(60, 1500, 100)
    with pytest.raises(NeedsError, match="monday has no scenario with one request and with many"):
        measured_speed(replace(RUN, rows=RUN.rows[1:]))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIMI_WORKSPACE", str(tmp_path))
    (tmp_path / "bench").mkdir()
    RUN.write(tmp_path / "bench")
    return tmp_path


def test_the_report_says_what_is_needed_and_with_what_assumptions(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--people", "20", "--bench", "monday", "--model", "Kimi-VL-A3B-Thinking"]) == 0
    said = capsys.readouterr().out
    assert "20 people at the busiest time, each with 12 questions an hour and answers of 800 tokens" in said
    assert "  1 engine, at 60 tokens/s for one answer and 1500 for 100 at once\n  1 page, one core each" in said
    assert "Kimi-VL A3B Thinking: the cache of 100 chats of 2,800 tokens takes 8.7 GB of each engine." in said
    assert "The goals: at most 2 s and at least 10 tokens/s. This is a simulation" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--people", "5"], "How fast an engine is must be known: --bench RUN"),
        (["--people", "5", "--bench", "friday"], "No run is called friday; known are: monday."),
        (["--people", "5", "--speed", "8,20,4"], "One engine writes 8 tokens/s when idle; 10 are wanted"),
    ],
)
def test_what_can_not_be_worked_out_is_one_sentence(
    workspace: Path, capsys: pytest.CaptureFixture[str], options: list[str], said: str
) -> None:
    assert main(["plan", *options]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--people", "0"], ["--people", "1000000"], ["--people", "5", "--speed", "60"]])
def test_numbers_that_are_none_are_refused(workspace: Path, options: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", *options])
