"""Benchmark runs as JSON files in the workspace, and the differences between two of them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.arguments import given_path
from engine.measure.speed.tools import Measured
from engine.system.atomic_write import replace_json

FIGURES = {
    "output tokens/s": ("output_tokens_per_second", True),
    "requests/s": ("requests_per_second", True),
    "first token, mean ms": ("mean_ttft", False),
    "first token, median ms": ("median_ttft", False),
    "first token, p99 ms": ("p99_ttft", False),
    "per token, mean ms": ("mean_tpot", False),
    "per token, median ms": ("median_tpot", False),
    "between tokens, mean ms": ("mean_itl", False),
    "between tokens, p99 ms": ("p99_itl", False),
    "whole answer, median ms": ("median_e2el", False),
}
"""The figures that are shown and compared: the name, the field, and whether more is better."""


class NoResultError(Exception):
    """There is no such run; the text lists the known ones."""


@dataclass
class Run:
    """One run of `./start.sh bench`: what ran where, and the results."""

    name: str
    date: str
    model: str
    engine: str
    engine_version: str
    accelerator: str
    context: int | None
    launch: tuple[str, ...]
    """The engine's command line."""
    quick: bool
    rows: list[Measured] = field(default_factory=list)

    def write(self, folder: Path) -> Path:
        """Saves it; replaces what was saved before."""
        path = folder / f"{self.name}.json"
        replace_json(path, asdict(self))
        return path


def figure(row: Measured, name: str) -> float | None:
    """A field or a latency of a measurement; None if the program did not report it."""
    value = row.latencies.get(name)
    return value if value is not None else getattr(row, name, None)


def read(path: Path) -> Run:
    """A saved run.

    Raises:
        NoResultError: the file is something else.
    """
    try:
        raw: dict[str, Any] = json.loads(path.read_text())
        return Run(**raw | {"launch": tuple(raw["launch"]), "rows": [_row(row) for row in raw["rows"]]})
    except (ValueError, LookupError, TypeError):
        raise NoResultError(f"{path} is not a run that ./start.sh bench has saved.") from None


def earlier(folder: Path) -> list[Run]:
    """All runs of the workspace, the oldest first; ignores other files."""
    return list(_kept(folder).values())


def find(folder: Path, wanted: str) -> Run:
    """A run by its file, its name, or a unique beginning or end of its name.

    Raises:
        NoResultError: there is none, or more than one, or the file is something else.
    """
    if wanted.endswith(".json") and (file := given_path(wanted)).is_file():
        return read(file)
    kept = _kept(folder)
    names = list(kept)
    fitting = [name for name in names if name.startswith(wanted) or name.endswith(wanted)]
    chosen = [wanted] if wanted in names else fitting
    if len(chosen) == 1:
        return kept[chosen[0]]
    which = f"{len(chosen)} runs are called {wanted}" if chosen else f"No run is called {wanted}"
    there = ", ".join(chosen or names) or "none yet; ./start.sh bench makes one"
    raise NoResultError(f"{which}; known are: {there}.")


@dataclass(frozen=True)
class Difference:
    """A figure of the same measurement in two runs."""

    row: Measured
    figure: str
    first: float
    second: float
    more_is_better: bool

    @property
    def ratio(self) -> float | None:
        """The second divided by the first; None if the first is 0."""
        return self.second / self.first if self.first else None

    @property
    def better(self) -> bool:
        """Whether the second run is better."""
        return (self.second > self.first) == self.more_is_better and self.second != self.first


def compare(first: Run, second: Run) -> list[Difference]:
    """The figures that both runs measured with the same scenario, lengths and load."""
    others = {row.same: row for row in second.rows}
    found = []
    for row in first.rows:
        other = others.get(row.same)
        for name, (key, more) in FIGURES.items() if other else ():
            a, b = figure(row, key), figure(other, key) if other else None
            if a is not None and b is not None:
                found.append(Difference(row, name, a, b, more))
    return found


def _kept(folder: Path) -> dict[str, Run]:
    """The runs by file name, the oldest first."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        with suppress(NoResultError):
            found[path.stem] = read(path)
    return found


def _row(raw: dict[str, Any]) -> Measured:
    picture = tuple(raw["picture"]) if raw["picture"] else None
    return Measured(**raw | {"picture": picture, "command": tuple(raw["command"])})
