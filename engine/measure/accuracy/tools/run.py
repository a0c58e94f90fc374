"""Measures all tasks with the running engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

from engine.catalog import Model, find_model
from engine.measure.accuracy import report
from engine.measure.accuracy.asking import Answered, Answers, Setting, ask_each
from engine.measure.accuracy.report import Report
from engine.measure.accuracy.tools.judging import Conversation, Verdict, judge, scores
from engine.measure.accuracy.tools.talking import IN_CIRCLES, talk
from engine.measure.accuracy.tools.tasks import Task, our_tasks
from engine.measure.running_engine import Running

if TYPE_CHECKING:
    import aiohttp

_COMPARED = "Kimi-K2.6"
_BENCHMARK = "K2-Vendor-Verifier, valid tool calls"
"""The published figure that is nearest to ours."""


def tasks_for(model: Model) -> tuple[Task, ...]:
    """The tasks that this model can be asked."""
    return tuple(task for task in our_tasks() if model.pictures_per_prompt or not task.picture)


async def measure(
    running: Running, model: Model, setting: Setting, answers: Answers, *, most: int, at_once: int,
    hear: Callable[[int], None],
) -> list[tuple[Task, Answered]]:  # fmt: skip
    """Has the conversations of the first `most` tasks; raises as `ask_each` does."""

    async def about(session: aiohttp.ClientSession, task: Task) -> Answered:
        return await talk(session, running.plan, setting, model, task)

    tasks = islice(tasks_for(model), most)
    return await ask_each(running, tasks, answers, name=lambda task: task.name, about=about, at_once=at_once, hear=hear)


def report_of(
    pairs: Sequence[tuple[Task, Answered]], setting: Setting, model: Model, engine: str, command: str
) -> Report:
    """The report on these conversations."""
    judged = [(task, judge(task, Conversation.of(said.answer))) for task, said in pairs]
    of = len(tasks_for(model))
    notes = report.notes(pairs, of, setting) + _notes(pairs, judged, model)
    return Report("tools", setting.model, engine, command, len(pairs), of, scores(judged), notes, asdict(setting))


def _notes(pairs: Sequence[tuple[Task, Answered]], judged: Sequence[tuple[Task, Verdict]], model: Model) -> list[str]:
    found = []
    if not model.pictures_per_prompt:
        found.append("The tasks with pictures were left out: this model takes none.")
    if circles := sum(said.finish == IN_CIRCLES for _, said in pairs):
        found.append(f"{circles} conversations were ended, because the model only called tools.")
    if wrong := [task.name for task, verdict in judged if not verdict.right]:
        found.append(f"Not right: {', '.join(sorted(wrong))}.")
    return found + [f"{_COMPARED}: {line}" for line in report.incomparable(find_model(_COMPARED), _BENCHMARK)]
