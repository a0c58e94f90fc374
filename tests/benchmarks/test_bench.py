"""The benchmark runs, and the page comes out cheaper than the naive app: an order, not a figure."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.benchmarks import __main__ as command
from tests.benchmarks import report
from tests.benchmarks.apps import running_apps
from tests.benchmarks.streams import growth


def test_the_page_costs_less_for_a_token_than_the_naive_app(tmp_path: Path) -> None:
    with running_apps(tmp_path) as apps:
        rows = asyncio.run(growth(apps, [4], tokens=200, rate=100, runs=1))
    [row] = rows
    assert row["page"]["incomplete"] == row["naive"]["incomplete"] == 0
    assert 0 < row["page"]["cpu_us_per_token"] < row["naive"]["cpu_us_per_token"]
    assert 0 < row["page"]["frames_per_token"] < row["naive"]["frames_per_token"]
    found = {"machine": report.machine(), "streams": rows}
    report.write(tmp_path / "ui.json", found)
    assert json.loads((tmp_path / "ui.json").read_text())["streams"] == rows
    console = Console(width=120, record=True)
    report.show(found, console)
    assert "4 streams: CPU a token" in console.export_text()


@pytest.mark.long
def test_start_and_reader_are_measured_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "alone.json"
    monkeypatch.setattr("sys.argv", ["bench", "start", "reader", "--quick", "--json", str(path)])
    assert command.main() == 0
    found = json.loads(path.read_text())
    assert 0 < found["start"]["page_s"] < found["start"]["noted_s"] + 60
    assert found["start"]["first_answer_s"] > 0
    assert abs(found["start"]["noted_late_s"]) < 30
    settings = found["reader"]["settings"]
    assert settings["detector at 544"]["cpu_s"] < settings["as it is"]["cpu_s"]
    assert "streams" not in found
    assert "reader: as it is" in capsys.readouterr().out
