"""The figures of the guides for what one has measured oneself, from `references.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.measure.speed.results import Run
from engine.measure.speed.tools import Measured


@dataclass(frozen=True)
class Reference:
    """One row of a guide's table, and how it differs from the measurement beside it; empty: in nothing known."""

    row: Measured
    figures: dict[str, float]
    where: str
    differs: str
    source: str


def references(run: Run) -> list[Reference]:
    """The guides' figures for the scenarios and loads of a run; none for one of `--quick`, whose lengths are others."""
    found = []
    for row in () if run.quick else run.rows:
        for guide in _guides():
            for figures in guide["rows"] if guide["model"] == run.model else ():
                if (figures["scenario"], figures["concurrency"]) == (row.scenario, row.concurrency):
                    known = {name: value for name, value in figures.items() if isinstance(value, float)}
                    found.append(Reference(row, known, guide["where"], _difference(guide, run), guide["source"]))
    return found


def _difference(guide: dict[str, Any], run: Run) -> str:
    differences = [guide["differs"]] if "differs" in guide else []
    if guide["engine"] != run.engine:
        differences.append("another engine")
    if guide["accelerator"] != run.accelerator:
        differences.append("other devices")
    return "; ".join(differences)


@cache
def _guides() -> list[dict[str, Any]]:
    text = Path(__file__).with_name("references.toml").read_text(encoding="utf-8")
    guides: list[dict[str, Any]] = tomllib.loads(text)["references"]
    return guides
