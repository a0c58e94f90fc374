"""Provides what a plan needs before its launch: the engine's environment and the model's weights."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import replace
from pathlib import Path

from engine.catalog import find_model
from engine.config import Settings
from engine.engines.registry import engine_of
from engine.install.checking import is_stamped, stamp_beside
from engine.install.fetching import Report, fetch_weights
from engine.install.weights import Missing, WeightsError, find_weights, is_folder, variant_folder
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
        elif not is_folder(plan.weights):
            await _check(plan, found, settings, report)
    except WeightsError as error:
        raise PermanentError(error.reason) from None
    if plan.finish:
        # One that is not installed here may be of any build.
        own = () if plan.environment else plan.argv[:1]
        arguments = (plan.model, str(found), str(settings.models_folder), *own)
        await _run(plan.finish, *arguments, report=report)
    return replace(plan, argv=tuple(part.replace(WEIGHTS, str(found)) for part in plan.argv))


async def _check(plan: LaunchPlan, weights: Path, settings: Settings, report: Report) -> None:
    """Checks files of a pinned commit whose digests nobody has compared yet, as after a start that was stopped."""
    model = find_model(plan.model)
    variant = model.variant(plan.variant)
    if variant is None or not variant.files:
        return
    stamp = stamp_beside(variant_folder(model, variant, settings.models_folder))
    wanted = {file.name: file.sha256 for file in variant.files}
    if not await asyncio.to_thread(is_stamped, weights, stamp, wanted):
        await _run("engine.install.checking", str(weights), str(stamp), json.dumps(wanted), report=report)


async def _run(module: str, *arguments: str, report: Report) -> None:
    """Runs a module whose last line says why it failed.

    Raises:
        PermanentError: it failed.
    """
    report(Phase.PREPARING, None)
    last = ""

    def hear(line: str) -> None:
        nonlocal last
        last = line or last

    if await run_chore(module, *arguments, on_line=hear, env={}):
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
