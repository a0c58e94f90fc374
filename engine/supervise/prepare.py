"""Provides what a plan needs before its launch: the engine's environment and the model's weights."""

from __future__ import annotations

from dataclasses import replace

from engine.catalog import find_model
from engine.config import Settings
from engine.engines.registry import engine_of
from engine.install.fetching import Report, fetch_weights
from engine.install.weights import Missing, WeightsError, find_weights
from engine.install.worker_process import run_chore
from engine.plans.launch import WEIGHTS, LaunchPlan
from engine.status import Phase, Reason
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
        found = find_weights(find_model(plan.model), plan.weights, settings.models_folder)
        if isinstance(found, Missing):
            found = await fetch_weights(found, settings.hub, report)
    except WeightsError as error:
        raise PermanentError(error.reason) from None
    return replace(plan, argv=tuple(part.replace(WEIGHTS, str(found)) for part in plan.argv))


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
