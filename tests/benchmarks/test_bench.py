"""The benchmark runs, and the page comes out cheaper than the naive app: an order, not a figure."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from rich.console import Console

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
