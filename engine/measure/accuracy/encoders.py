"""`./start.sh eval ocr --mmproj both`: llama.cpp's picture encoder as it is published, and with its rows reordered.

For those who have the real files, which the reordering was not tried on where it was written (docs/llama.md).
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine import processes
from engine.catalog import find_model
from engine.config import Settings
from engine.engines.choice import make_plan
from engine.engines.ladder import wanted_model
from engine.engines.llama.plan import NAME as LLAMA
from engine.engines.llama.rotary import reorder
from engine.formats.gguf import GgufError
from engine.install.weights import Missing, WeightsError, find_weights
from engine.measure.accuracy.command import Asked, UnsuitableError, evaluate
from engine.measure.accuracy.reply import AskingError
from engine.measure.accuracy.report import Report
from engine.measure.accuracy.sets import SetError
from engine.measure.launched import LaunchError, launched
from engine.measure.running_engine import NotRunningError, ask_about
from engine.nano.gguf.convert import MMPROJ, convert
from engine.plans.flags import merge
from engine.plans.launch import LaunchPlan, PlanError
from engine.supervise import control
from engine.supervise.prepare import prepare
from engine.supervise.service import PermanentError

_REORDERED = "reordered.gguf"


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Measures both and prints them side by side; exit status 1 if that failed."""
    console = Console(highlight=False)
    try:
        found = compare(settings, Asked(chosen.task, chosen.data, chosen.limit), console)
    except (
        UnsuitableError, PlanError, WeightsError, PermanentError, LaunchError, NotRunningError, SetError, AskingError,
        GgufError, OSError,
    ) as error:  # fmt: skip
        print(error, file=sys.stderr)
        return 1
    console.print(_table(found))
    return 0


def compare(settings: Settings, asked: Asked, console: Console) -> dict[str, Report]:
    """The report of each encoder, by its name; answers that are there from before are not asked for again.

    Raises:
        UnsuitableError: it can't be compared here.
        Exception: whatever a plan, its preparation, a launch or an evaluation raises.
    """
    if asked.task == "gsm8k":
        raise UnsuitableError("gsm8k has no pictures, and so needs no picture encoder: leave out --mmproj.")
    if control.supervisor(settings.files):
        raise UnsuitableError("Kimi-VL Chat runs here; the memory is for one model: ./start.sh stop, and try again.")
    settings.files.create()
    folder = settings.workspace / "eval"
    folder.mkdir(exist_ok=True)
    try:
        plan, encoders = asyncio.run(_prepared(settings, folder))
        found = {}
        for name, encoder in encoders.items():
            console.print(f"The picture encoder {name}: {encoder}", soft_wrap=True, markup=False)
            one = replace(plan, argv=tuple(merge(plan.argv, ["--mmproj", str(encoder)])))
            found[name] = asyncio.run(_measured(one, asked, folder / name.replace(" ", "-"), console))
        return found
    finally:
        # Of Kimi-VL it has 0.6 GB, and is made again in seconds.
        (folder / _REORDERED).unlink(missing_ok=True)


async def _prepared(settings: Settings, folder: Path) -> tuple[LaunchPlan, dict[str, Path]]:
    """What is launched, and the two files."""
    model = wanted_model(settings.model)
    if LLAMA not in model.engines and model.stand_in:
        model = find_model(model.stand_in)
        settings = settings.model_copy(update={"model": model.name})
    settings = settings.model_copy(update={"engine": LLAMA, "engine_port": processes.free_port()})
    plan = await asyncio.to_thread(make_plan, settings)
    weights = find_weights(model, plan.weights, settings.models_folder, plan.variant)
    if isinstance(weights, Missing):
        raise UnsuitableError(
            f"The files of {model.name} are not here: KIMI_ENGINE={LLAMA} KIMI_MODEL={model.name} ./start.sh "
            "fetches them."
        )
    plan = await prepare(plan, settings, lambda *_: None)
    variant = model.variant(plan.variant)
    if variant and variant.mmproj_file:
        published = weights / variant.mmproj_file.name
    else:
        convert(folder / "as-published")
        published = folder / "as-published" / MMPROJ
    reordered = folder / _REORDERED
    reorder(published, reordered)
    return plan, {"as published": published, "reordered": reordered}


async def _measured(plan: LaunchPlan, asked: Asked, folder: Path, console: Console) -> Report:
    async with launched(plan, folder.parent / f"{folder.name}.log") as engine:
        running = await asyncio.to_thread(ask_about, plan, engine.key)
        return await asyncio.to_thread(evaluate, running, asked, folder, console)


def _table(found: dict[str, Report]) -> Table:
    table = Table(title="Both picture encoders", title_justify="left")
    table.add_column("figure")
    for name in found:
        table.add_column(name, justify="right")
    for row in zip(*(report.scores for report in found.values()), strict=True):
        table.add_row(row[0].name, *(f"{score.value:.2f} {score.unit}".strip() for score in row))
    return table
