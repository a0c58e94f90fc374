"""The result of an evaluation, as saved and printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from engine.catalog import Model
from engine.measure.accuracy import scoring
from engine.measure.accuracy.asking import REFUSED, Answered, Setting
from engine.measure.accuracy.sets import Item
from engine.plans.flags import value
from engine.plans.launch import LaunchPlan

OCRBENCH_FULL = 1000
"""The published score is the number of correct answers to this many questions."""


@dataclass(frozen=True)
class Score:
    """A named figure in `unit`; `published` is the model card's figure, with its source."""

    name: str
    value: float
    unit: str = ""
    published: str = ""


@dataclass
class Report:
    """The report that is saved next to the answers."""

    task: str
    model: str
    engine: str
    command: str
    items: int
    of: int
    scores: list[Score]
    notes: list[str] = field(default_factory=list)
    setting: dict[str, Any] = field(default_factory=dict)


def score(task: str, model: Model, pairs: Sequence[tuple[Item, Answered]], quantized: str = "") -> list[Score]:
    """The figures of `task` for `pairs`, which must not be empty; `quantized` as in `published`."""
    match task:
        case "ocr":
            return [
                Score("character error rate", _rate(pairs, scoring.character_errors), "%"),
                Score("word error rate", _rate(pairs, scoring.word_errors), "%"),
            ]
        case "ocrbench":
            right = sum(scoring.contained(item.expected, said.answer, item.category) for item, said in pairs)
            value = OCRBENCH_FULL * right / len(pairs)
            return [
                Score(
                    f"OCRBench ({right} right)", value, f"of {OCRBENCH_FULL}", published(model, "OCRBench", quantized)
                )
            ]
        case _:
            value = 100 * sum(scoring.anls(item.expected, said.answer) for item, said in pairs) / len(pairs)
            return [Score("InfoVQA (ANLS)", value, "%", published(model, "InfoVQA", quantized))]


def quantized_as(plan: LaunchPlan) -> str:
    """How the weights that run are quantized beyond the published ones; empty: they are not."""
    return plan.variant or value(plan.argv, "--quantization") or ""


def published(model: Model, benchmark: str, quantized: str = "") -> str:
    """The comparable figures of others, and where each is; empty: none, also because the weights are `quantized`."""
    found = [entry for entry in model.published if entry.benchmark == benchmark and not (entry.differs or quantized)]
    return "; ".join(f"{entry.value:g} ({entry.source})" for entry in found)


def incomparable(model: Model, benchmark: str, quantized: str = "") -> list[str]:
    """Sentences on the figures of others that were measured otherwise, or on weights that were not `quantized`."""
    weights = f"with {model.precision} weights, and here they are {quantized}" if quantized else ""
    return [
        f"Not comparable: {entry.benchmark} {entry.value:g}, {'; '.join(filter(None, (entry.differs, weights)))} "
        f"({entry.source})."
        for entry in model.published
        if entry.benchmark == benchmark and (entry.differs or quantized)
    ]


def notes(pairs: Sequence[tuple[object, Answered]], size: int, setting: Setting) -> list[str]:
    """What one must know to interpret the figures."""
    cut = sum(said.finish == "length" for _, said in pairs)
    refused = sum(said.finish == REFUSED for _, said in pairs)
    found = []
    if len(pairs) < size:
        found.append(f"Only {len(pairs)} of {size} items were asked (--limit): do not compare this with a whole run.")
    if cut:
        found.append(f"{cut} answers were cut off at {setting.max_tokens} tokens.")
    if refused:
        found.append(f"{refused} items were rejected by the engine and count as wrong.")
    return found


def show(report: Report, console: Console) -> None:
    """Prints the report."""
    table = Table(title=f"{report.task}: {report.model} on {report.engine}", title_justify="left")
    table.add_column("figure")
    table.add_column("here", justify="right")
    table.add_column("published")
    for found in report.scores:
        table.add_row(found.name, f"{found.value:.2f} {found.unit}".strip(), found.published or "–")
    console.print(table)
    items = f"{report.items} of {report.of} items" if report.of else ""
    for line in (items, *report.notes, f"Command: {report.command}"):
        if line:
            console.print(line, soft_wrap=True, highlight=False, markup=False)


def _rate(pairs: Sequence[tuple[Item, Answered]], errors: Callable[[str, str], tuple[int, int]]) -> float:
    """The error rate of all texts together in per cent, so each text is weighted by its length."""
    counted = [errors(item.expected[0], said.answer) for item, said in pairs]
    return 100 * sum(wrong for wrong, _ in counted) / max(1, sum(expected for _, expected in counted))
