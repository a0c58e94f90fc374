"""Provides what a plan needs before its launch: the engine's environment and the model's weights."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

from engine.catalog import find_model
from engine.config import Settings
from engine.engines.registry import engine_of
from engine.install.fetching import Report, fetch_weights
from engine.install.weights import Missing, WeightsError, find_weights
from engine.install.worker_process import run_chore
from engine.plans.launch import WEIGHTS, LaunchPlan
from engine.status import Phase, Reason, read_reason
from engine.supervise.service import PermanentError


async def prepare(plan: LaunchPlan, settings: Settings, report: Report) -> LaunchPlan:
    """Fetches what the plan needs and returns the plan with the weights' folder in its command line.

    Raises:
        PermanentError: something is not available; the reason says how to get it.
    """
    if plan.weights:
        plan = await _with_weights(plan, settings, report)
    if plan.environment:
        await _make_environment(plan, settings, report)
    return plan


async def _with_weights(plan: LaunchPlan, settings: Settings, report: Report) -> LaunchPlan:
    try:
        found = find_weights(find_model(plan.model), plan.weights, settings.models_folder, plan.variant)
        if isinstance(found, Missing):
            found = await fetch_weights(found, settings.hub, report)
    except WeightsError as error:
        raise PermanentError(error.reason) from None
    if plan.finish:
        await _finish(plan, found, settings, report)
    return replace(plan, argv=tuple(part.replace(WEIGHTS, str(found)) for part in plan.argv))


async def _finish(plan: LaunchPlan, weights: Path, settings: Settings, report: Report) -> None:
    report(Phase.PREPARING, None)
    last = ""

    def hear(line: str) -> None:
        nonlocal last
        last = line or last

    arguments = (plan.model, str(weights), str(settings.models_folder))
    if await run_chore(plan.finish, *arguments, on_line=hear, env={}):
        raise PermanentError(_reason(last))


def _reason(line: str) -> Reason:
    with contextlib.suppress(json.JSONDecodeError):
        if reason := read_reason(json.loads(line)):
            return reason
    return Reason.of_text(line)


async def _make_environment(plan: LaunchPlan, settings: Settings, report: Report) -> None:
    environment, last = engine_of(plan.engine).environment, ""
    if environment is None:
        return

    def hear(line: str) -> None:
        nonlocal last
        last = line or last
        report(Phase.INSTALLING, None)

    options = environment.options(settings)
    if await run_chore(environment.module, plan.environment, *options, on_line=hear, env={}):
        raise PermanentError(Reason("not_installed", {"detail": last}))
