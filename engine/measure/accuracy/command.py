"""`./start.sh eval`: measures how often the running engine is right, and compares it with its model card."""

from __future__ import annotations

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from engine.arguments import given_path, positive
from engine.catalog import Model, UnknownModelError, assumed_model, calls_tools, find_model
from engine.config import ROOT, Settings
from engine.engines.registry import engine_of
from engine.measure.accuracy import gsm8k, report
from engine.measure.accuracy.asking import Answers, ask_all, setting_of
from engine.measure.accuracy.gsm8k import LmEvalError
from engine.measure.accuracy.reply import AskingError
from engine.measure.accuracy.report import Report
from engine.measure.accuracy.sets import OUR_PICTURES, SHORTLY, PictureSet, SetError, folder_set, tsv_set
from engine.measure.running_engine import NotRunningError, Running, find_running

TASKS = ("ocr", "gsm8k", "ocrbench", "infovqa", "tools")
_AT_ONCE = 4
_WHERE = "VLMEvalKit's file, index, image, question and answer separated by tabs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `eval`."""
    parser.add_argument(
        "task", choices=TASKS, metavar="WHAT",
        help="ocr: read the pictures of a folder, by default ours; gsm8k: word problems, by lm-eval; "
        "ocrbench, infovqa: questions about pictures, from your own TSV; tools: call the right ones rightly",
    )  # fmt: skip
    parser.add_argument("--data", type=given_path, help=f"the folder of ocr or gsm8k, or the TSV ({_WHERE})")
    parser.add_argument("--limit", type=positive, help="ask only about so many items")
    parser.add_argument(
        "--mmproj", choices=["both"],
        help="both: of llama.cpp's picture encoder, as published and with its rows reordered, which one reads better",
    )  # fmt: skip


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Measures; exit status 1 if that failed."""
    try:
        running = find_running(settings)
        asked = Asked(chosen.task, chosen.data, chosen.limit)
        evaluate(running, asked, settings.workspace / "eval", Console(highlight=False))
    except (NotRunningError, SetError, AskingError, LmEvalError, UnsuitableError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


@dataclass(frozen=True)
class Asked:
    """What to measure: the task, the user's own data, if any, and the maximum number of items."""

    task: str
    data: Path | None = None
    limit: int | None = None

    @property
    def command(self) -> str:
        """The command line that measures this."""
        words = ["./start.sh", "eval", self.task, *(["--data", str(self.data)] if self.data else [])]
        return shlex.join([*words, *(["--limit", str(self.limit)] if self.limit else [])])


class UnsuitableError(Exception):
    """The engine or the data don't suit this task; the text is one sentence with the next step."""


def evaluate(running: Running, asked: Asked, folder: Path, console: Console) -> Report:
    """Measures, saves answers and figures in `folder`, and prints the figures; continues an interrupted measurement.

    Raises:
        UnsuitableError: the engine or the data don't suit it.
        SetError: the data can't be read.
        AskingError: the engine no longer answers.
        LmEvalError: lm-eval could not be installed or failed.
    """
    model = _model(running, asked.task)
    if asked.task == "gsm8k":
        found, name = _sums(running, model, asked, folder)
    elif asked.task == "tools":
        found, name = _tools(running, model, asked, folder, console)
    else:
        found, name = _pictures(running, model, asked, folder, console)
    (folder / f"{name}.json").write_text(json.dumps(asdict(found), ensure_ascii=False, indent=1) + "\n")
    report.show(found, console)
    console.print(f"Kept in {folder / name}*", soft_wrap=True, markup=False)
    return found


def _model(running: Running, task: str) -> Model:
    name = running.plan.model
    try:
        return find_model(name)
    except UnknownModelError as error:
        if task == "tools" and calls_tools(name, running.plan.engine, remote=running.plan.traits.remote):
            return assumed_model(name)
        raise UnsuitableError(str(error)) from None


def _sums(running: Running, model: Model, asked: Asked, folder: Path) -> tuple[Report, str]:
    if not engine_of(running.plan.engine).chats:
        raise UnsuitableError("The reader only reads and can't calculate: start a model (KIMI_ENGINE=vllm ./start.sh).")
    python = gsm8k.ensure_lm_eval(ROOT)
    # Answers of another engine or version must not be mixed with these.
    name = f"gsm8k-{model.name}-{running.plan.engine}{running.version}" + ("-own" if asked.data else "")
    kept = folder / name
    scores, items, argv = gsm8k.measure(python, running, model, kept, data=asked.data, limit=asked.limit)
    notes = [f"lm-eval: {shlex.join(argv)}", gsm8k.METHOD]
    quantized = report.quantized_as(running.plan)
    notes += [line for score in scores for line in report.incomparable(model, score.name, quantized)]
    if asked.limit:
        notes.insert(0, "Not all questions were asked (--limit): do not compare this with a whole run.")
    return Report("gsm8k", model.name, _engine(running), asked.command, items, 0, scores, notes), name


def _pictures(running: Running, model: Model, asked: Asked, folder: Path, console: Console) -> tuple[Report, str]:
    if not model.pictures_per_prompt:
        raise UnsuitableError(f"{model.title} accepts no pictures; gsm8k is for text.")
    task, pictures = asked.task, _set(asked.task, asked.data)
    most = min(asked.limit or pictures.size, pictures.size)
    setting = setting_of(running, model, task, pictures.digest)
    answers = Answers(folder, setting)
    with _progress(console, task, most) as hear:
        pairs = asyncio.run(ask_all(running, setting, pictures, answers, limit=most, at_once=_AT_ONCE, hear=hear))
    if not pairs:
        raise UnsuitableError("The set has no items.")
    quantized = report.quantized_as(running.plan)
    notes = report.notes(pairs, pictures.size, setting)
    notes += report.incomparable(model, {"ocrbench": "OCRBench", "infovqa": "InfoVQA"}.get(task, ""), quantized)
    found = Report(
        task, model.name, _engine(running), asked.command, len(pairs), pictures.size,
        report.score(task, model, pairs, quantized), notes, asdict(setting),
    )  # fmt: skip
    return found, setting.name


def _set(task: str, data: Path | None) -> PictureSet:
    if task == "ocr":
        return folder_set(data or OUR_PICTURES)
    if data is None:
        raise UnsuitableError(f"{task} needs its data, which is not included: --data FILE.tsv, {_WHERE}.")
    return tsv_set(data, SHORTLY if task == "infovqa" else "")


def _tools(running: Running, model: Model, asked: Asked, folder: Path, console: Console) -> tuple[Report, str]:
    if asked.data:
        raise UnsuitableError("The tasks of eval tools are our own: leave --data out.")
    if not calls_tools(running.plan.model, running.plan.engine, remote=running.plan.traits.remote):
        title = running.plan.traits.title or running.plan.engine
        raise UnsuitableError(
            f"{model.title} is not known to call tools on {title}: start one that does (docs/tools.md)."
        )
    # Imported here: the schemas' library takes its time, and no other task needs it.
    from engine.measure.accuracy.tools import run as tools  # noqa: PLC0415
    from engine.measure.accuracy.tools.tasks import digest  # noqa: PLC0415

    setting = setting_of(running, model, "tools", digest())
    size = len(tools.tasks_for(model))
    most = min(asked.limit or size, size)
    answers = Answers(folder, setting)
    with _progress(console, "tools", most) as hear:
        pairs = asyncio.run(tools.measure(running, model, setting, answers, most=most, at_once=_AT_ONCE, hear=hear))
    return tools.report_of(pairs, setting, model, _engine(running), asked.command), setting.name


@contextmanager
def _progress(console: Console, task: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows a bar while the block runs; it is given the function that moves it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        yield partial(_advance, progress, progress.add_task(task, total=total))


def _advance(progress: Progress, bar: TaskID, done: int) -> None:
    progress.update(bar, completed=done)


def _engine(running: Running) -> str:
    return f"{running.plan.engine} {running.version}".strip()
