"""The launch on another machine, for `./start.sh plan`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.catalog import Model, models
from engine.config import AUTO
from engine.engines.llama.plan import llama_plan
from engine.engines.reader import READER
from engine.engines.registry import ENGINES
from engine.engines.vllm.plan import vllm_plan
from engine.machine.vendors import CPU
from engine.plans.launch import ForbiddenError, LaunchPlan
from engine.plans.request import ELSEWHERE, Request
from engine.plans.target import Target

_ON_CPU = replace(ELSEWHERE, python=Path(".venv-vllm/bin/python"))
"""vLLM's CPU build is started as a module, in the environment that this program makes."""


def plan_elsewhere(model: Model, target: Target, engine: str, tuning: str, extra: list[str]) -> LaunchPlan:
    """The launch on another machine; `auto` is vLLM, or llama-server if the model has a GGUF and vLLM has no room.

    Raises:
        ForbiddenError: the combination is known not to work.
    """
    if engine == READER.name or READER.name in model.engines:
        raise ForbiddenError("The reader needs no plan, it runs on any CPU: KIMI_ENGINE=reader ./start.sh")
    place = _ON_CPU if target.vendor == CPU else ELSEWHERE
    request = Request(model, target, place, tuning, tuple(extra))
    if engine == AUTO:
        return _automatic(request)
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
        if not model.stand_in or request.extra:
            raise
        try:
            return _with_gguf(request, str(error))
        except ForbiddenError:
            raise error from None


def _with_gguf(request: Request, why: str) -> LaunchPlan:
    plan = llama_plan(replace(request, model=models()[request.model.stand_in]))
    return replace(plan, reasons=(*plan.reasons, why))
