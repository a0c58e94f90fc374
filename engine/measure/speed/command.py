"""`./start.sh bench`: measures the running engine, saves and plots the results, and compares two runs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from engine.catalog import UnknownModelError, find_model
from engine.config import Settings
from engine.measure.running_engine import NotRunningError, Running, find_running
from engine.measure.speed import plot, results
from engine.measure.speed.measuring import measure
from engine.measure.speed.references import references
from engine.measure.speed.results import NoResultError, Run
from engine.measure.speed.scenarios import SCENARIOS, Scenario, made_quick
from engine.measure.speed.tools import Measured, NoToolError, ToolFailedError

_DEFAULT_PIXELS = 802816
_COMPARE = "compare"
_MUCH = 2
"""How many of the figures are amounts; the others are times."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bench`."""
    known = "; ".join(f"{scenario.name} ({scenario.what})" for scenario in SCENARIOS.values())
    parser.add_argument(
        "what", nargs="*", default=["chat"], metavar="SCENARIO",
        help=f"{known}; all; or `compare A B`: two earlier runs by name or file. Default: chat",
    )  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="an eighth of the lengths, few requests; for a first look")


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Measures or compares; exit status 1 if that failed, 2 for a wrong name."""
    console = Console(highlight=False)
    folder = settings.workspace / "bench"
    try:
        if chosen.what[0] == _COMPARE:
            return compare(folder, chosen.what[1:], console)
        wanted = _wanted(chosen.what)
        running = find_running(settings)
        folder.mkdir(parents=True, exist_ok=True)
        bench(running, wanted, folder, quick=chosen.quick, console=console)
    except (NoResultError, UnknownScenarioError) as error:
        print(error, file=sys.stderr)
        return 2
    except (NotRunningError, NoToolError, ToolFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class UnknownScenarioError(Exception):
    """There is no scenario with this name; the text lists the known ones."""


def _wanted(names: Sequence[str]) -> list[Scenario]:
    if "all" in names:
        return list(SCENARIOS.values())
    if unknown := [name for name in names if name not in SCENARIOS]:
        raise UnknownScenarioError(f"There is no scenario {unknown[0]!r}; known are {', '.join(SCENARIOS)} and all.")
    return [SCENARIOS[name] for name in dict.fromkeys(names)]


def bench(running: Running, wanted: Sequence[Scenario], folder: Path, *, quick: bool, console: Console) -> Run:
    """Measures the scenarios one after the other; saves each result at once in `folder`.

    Raises:
        NoToolError: the engine has no benchmark.
        ToolFailedError: a scenario does not fit the engine, or its program failed.
    """
    from engine.system.environment import without_secrets  # noqa: PLC0415 - only this command needs it

    pixels = _picture_pixels(running.plan.model)
    scenarios = [
        made_quick(scenario, running.context, running.sequences, pixels) if quick else scenario for scenario in wanted
    ]
    for scenario in scenarios:
        _check_fits(scenario, running, pixels, quick=quick)
    done = _new_run(running, [scenario.name for scenario in wanted], quick=quick)
    before = results.earlier(folder)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        for scenario in scenarios:
            for load in scenario.loads:
                task = progress.add_task(f"{scenario.name}, {load.concurrency} at once", total=load.prompts)

                row = measure(
                    running, scenario, load, seed=time.time_ns() % 2**31, base=without_secrets(),
                    log=folder / f"{done.name}.log", hear=partial(_advance, progress, task),
                )  # fmt: skip
                done.rows.append(row)
                done.write(folder)
                progress.remove_task(task)
    picture = folder / f"{done.name}.svg"
    picture.write_text(plot.draw(done, before))
    for shown in (*tables(done), *reference_lines(done)):
        console.print(shown, soft_wrap=isinstance(shown, str))
    console.print(f"{folder / done.name}.json, .svg (throughput against latency), .log", soft_wrap=True, markup=False)
    if same := [other for other in before if results.compare(other, done)]:
        console.print(f"Compare with the last: ./start.sh bench compare {same[-1].name} {done.name}", soft_wrap=True)
    return done


def _advance(progress: Progress, task: TaskID, done: int) -> None:
    progress.update(task, completed=done)


def _check_fits(scenario: Scenario, running: Running, pixels: int, *, quick: bool) -> None:
    needed = scenario.tokens(pixels)
    if scenario.picture and not _takes_pictures(running.plan.model):
        raise ToolFailedError(f"{running.plan.model} accepts no pictures: omit {scenario.name}.")
    if running.context is not None and needed > running.context:
        what_now = ", even with --quick: omit it." if quick else ": add --quick."
        raise ToolFailedError(
            f"{scenario.name} needs {needed:,} tokens and this engine has {running.context:,}{what_now}"
        )


def _picture_pixels(model: str) -> int:
    try:
        return find_model(model).picture_pixels
    except UnknownModelError:
        return _DEFAULT_PIXELS


def _takes_pictures(model: str) -> bool:
    try:
        return find_model(model).pictures_per_prompt > 0
    except UnknownModelError:
        return True


def _new_run(running: Running, names: Sequence[str], *, quick: bool) -> Run:
    plan, now = running.plan, datetime.now().astimezone()
    what = names[0] if len(names) == 1 else f"{len(names)}-scenarios"
    name = "-".join([now.strftime("%Y%m%d-%H%M%S"), plan.model, what, *(["quick"] if quick else [])])
    return Run(
        name=name.replace("/", "_"), date=now.isoformat(timespec="seconds"), model=plan.model, engine=plan.engine,
        engine_version=running.version, accelerator=plan.accelerator, context=running.context, launch=plan.argv,
        quick=quick,
    )  # fmt: skip


def tables(run: Run) -> list[Table]:
    """The results, one row per load: how much was done, and how long it took."""
    title = f"{run.model} on {run.engine} {run.engine_version}".rstrip()
    title += f", {run.accelerator}" if run.accelerator else ""
    much, long = _columns(list(results.FIGURES)[:_MUCH]), _columns(list(results.FIGURES)[_MUCH:])
    much.title = title + (", --quick" if run.quick else "")
    for row in run.rows:
        figures = [_number(results.figure(row, key)) for key, _ in results.FIGURES.values()]
        where = (row.scenario, f"{row.input_len}/{row.output_len}", _load(row), f"{row.completed}/{row.prompts}")
        much.add_row(*where, *figures[:_MUCH])
        long.add_row(*where, *figures[_MUCH:])
    return [much, long]


def _columns(figures: Sequence[str]) -> Table:
    found = Table(title_justify="left")
    found.add_column("scenario")
    found.add_column("in/out")
    for name in ("at once", "answered", *figures):
        found.add_column(name, justify="right")
    return found


def _load(row: Measured) -> str:
    return str(row.concurrency) if row.rate is None else f"{row.rate:g}/s"


def reference_lines(run: Run) -> list[Table | str]:
    """The guides' figures beside those of this run, and in what they differ; empty: no guide has any."""
    found = references(run)
    if not found:
        return []
    beside = Table(title="Beside the figures of the guides", title_justify="left")
    for name in ("scenario", "at once", "figure", "here", "guide"):
        beside.add_column(name, justify="right" if name in {"here", "guide"} else "left")
    for reference in found:
        row = reference.row
        for name, (key, _) in results.FIGURES.items():
            if key in reference.figures:
                here = _number(results.figure(row, key))
                beside.add_row(row.scenario, _load(row), name, here, _number(reference.figures[key]))
    guides = dict.fromkeys((guide.where, guide.differs, guide.source) for guide in found)
    return [
        beside,
        *(
            f"{where}{f'; not comparable: {differs}' if differs else ''} ({source})"
            for where, differs, source in guides
        ),
    ]


def compare(folder: Path, names: Sequence[str], console: Console) -> int:
    """Prints the differences between two runs.

    Raises:
        NoResultError: there are no two runs with these names, or they have nothing in common.
    """
    if len(names) != 2:
        there = ", ".join(run.name for run in results.earlier(folder)) or "none yet; ./start.sh bench makes one"
        raise NoResultError(f"compare needs the names of two runs; known are: {there}.")
    first, second = (results.find(folder, name) for name in names)
    differences = results.compare(first, second)
    if not differences:
        raise NoResultError("The two runs have no scenario with the same lengths and load in common.")
    found = Table(title=f"A  {first.name}\nB  {second.name}", title_justify="left")
    for name in ("scenario", "at once", "figure", "A", "B", "B/A"):
        found.add_column(name, justify="right" if name in {"A", "B", "B/A"} else "left")
    previous = None
    for difference in differences:
        row, ratio = difference.row, difference.ratio
        where = (row.scenario, str(row.concurrency)) if row.same != previous else ("", "")
        previous = row.same
        shown = Text("–" if ratio is None else f"{ratio:.2f}", style="green" if difference.better else "yellow")
        figures = _number(difference.first), _number(difference.second)
        found.add_row(*where, difference.figure, *figures, shown)
    console.print(found)
    return 0


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
