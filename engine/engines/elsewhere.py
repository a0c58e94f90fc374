"""The launch on another machine, for `./start.sh plan`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.catalog import models
from engine.config import AUTO
from engine.engines.llama.plan import llama_plan
from engine.engines.reader import READER
from engine.engines.registry import ENGINES
from engine.engines.vllm.plan import vllm_plan
from engine.machine.vendors import CPU
from engine.plans.launch import ForbiddenError, LaunchPlan
from engine.plans.page import attaching
from engine.plans.request import ELSEWHERE, Request

_ON_CPU = replace(ELSEWHERE, python=Path(".venv-vllm/bin/python"))
"""vLLM's CPU build is started as a module, in the environment that this program makes."""


def plan_elsewhere(request: Request, engine: str) -> LaunchPlan:
    """The launch on another machine; `auto` is vLLM, or llama-server where the model has a GGUF and vLLM no room.

    Raises:
        ForbiddenError: the combination is known not to work.
    """
    if engine == READER.name or READER.name in request.model.engines:
        raise ForbiddenError("The reader runs on any CPU as it is: ./start.sh, with KIMI_ENGINE=reader.")
    request = replace(request, place=_ON_CPU if request.target.vendor == CPU else ELSEWHERE)
    plan = _automatic(request) if engine == AUTO else _by(engine, request)
    return replace(plan, guide=replace(plan.guide, page=attaching(plan)))


def _by(engine: str, request: Request) -> LaunchPlan:
    if (planned := ENGINES[engine].elsewhere) is None:
        raise ForbiddenError(f"{ENGINES[engine].traits.title} is not started here: there is nothing to plan.")
    return planned(request)


def _automatic(request: Request) -> LaunchPlan:
    model = request.model
    if request.target.vendor == CPU and model.stand_in:
        why = f"vLLM on a CPU holds all {model.weights_gb:g} GB of {model.name} in RAM; --engine vllm plans it."
        return _with_gguf(request, why)
    try:
        return vllm_plan(request)
    except ForbiddenError as error:
        if not model.stand_in or request.extra or request.variant or request.speculative:
            raise
        try:
            return _with_gguf(request, str(error))
        except ForbiddenError:
            raise error from None


def _with_gguf(request: Request, why: str) -> LaunchPlan:
    plan = llama_plan(replace(request, model=models()[request.model.stand_in]))
    return replace(plan, reasons=(*plan.reasons, why))
