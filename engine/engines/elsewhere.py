"""The launch on another machine, for `./start.sh plan` and the page's generator of commands."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from engine.catalog import Model, models
from engine.config import AUTO
from engine.engines.llama.plan import llama_plan
from engine.engines.reader import READER
from engine.engines.registry import ENGINES
from engine.engines.vllm.plan import NAME as VLLM
from engine.engines.vllm.plan import vllm_plan
from engine.machine.cards import find_card
from engine.machine.vendors import CPU
from engine.plans.launch import ForbiddenError, LaunchPlan
from engine.plans.page import attaching
from engine.plans.request import ELSEWHERE, Request, choose_variant
from engine.plans.target import Target, from_card
from engine.wording import said

_ON_CPU = replace(ELSEWHERE, python=Path(".venv-vllm/bin/python"))
"""vLLM's CPU build is started as a module, in the environment that this program makes."""


@dataclass(frozen=True)
class Choice:
    """What is to run where, in the catalogue's names and as `./start.sh plan` takes it."""

    model: str
    accelerator: str
    count: int | None = None
    """Devices of one machine; None: as many as the model takes."""
    nodes: int = 1
    memory_gb: float | None = None
    """Of one device; None: the catalogue's figure."""
    engine: str = AUTO
    variant: str = ""
    tuning: str = ""
    speculative: bool = False
    without: tuple[str, ...] = ()
    """What the engine leaves to its clients, of `PARSED`."""

    def command(self) -> str:
        """The same choice as a command."""
        words = ["./start.sh", "plan", "--model", self.model, "--accelerator", self.accelerator]
        values = {"--count": self.count, "--memory": self.memory_gb, "--variant": self.variant, "--preset": self.tuning}
        for option, value in values.items():
            words += [option, f"{value:g}" if isinstance(value, float) else str(value)] if value else []
        words += ["--nodes", str(self.nodes)] if self.nodes > 1 else []
        words += ["--engine", self.engine] if self.engine != AUTO else []
        words += ["--speculative"] if self.speculative else []
        for part in self.without:
            words += ["--without", part]
        return shlex.join(words)


def plan_choice(choice: Choice, model: Model, extra: tuple[str, ...] = ()) -> LaunchPlan:
    """The launch of `model`, which `choice` names, with `extra` engine flags.

    Raises:
        UnknownNameError: the accelerator is not in the catalogue.
        ForbiddenError: the combination is known not to work.
    """
    request = Request(
        model,
        target_of(choice, model),
        tuning=choice.tuning,
        variant=choice.variant,
        speculative=choice.speculative,
        without=choice.without,
        extra=extra,
    )
    return plan_elsewhere(request, choice.engine)


def target_of(choice: Choice, model: Model) -> Target:
    """The machine: where no count is given, with as many devices as the model takes.

    Raises:
        UnknownNameError: the accelerator is not in the catalogue.
    """
    card = find_card(choice.accelerator)
    one = from_card(card, 1, choice.memory_gb, choice.nodes)
    if choice.count:
        return replace(one, count=choice.count)
    engine = VLLM if choice.engine == AUTO else choice.engine
    variant = choose_variant(engine, model, replace(one, count=card.node))
    if variant and variant.devices and choice.variant in {"", variant.name}:
        return replace(one, count=min(card.node, variant.devices))
    # One, where the model or a smaller form of it fits; else as many as a usual machine has.
    needs = [model.memory_gb or 0, *(form.memory_gb for form in model.variants if one.fits(form))]
    fits = one.usable_gb is None or min(needs) <= one.usable_gb
    return one if fits and choice.nodes == 1 else replace(one, count=card.node)


def plan_elsewhere(request: Request, engine: str) -> LaunchPlan:
    """The launch on another machine; `auto` is vLLM, or llama-server where the model has a GGUF and vLLM no room.

    Raises:
        ForbiddenError: the combination is known not to work.
    """
    if engine == READER.name or READER.name in request.model.engines:
        raise ForbiddenError(said("reader_anywhere"))
    request = replace(request, place=_ON_CPU if request.target.vendor == CPU else ELSEWHERE)
    plan = _automatic(request) if engine == AUTO else _by(engine, request)
    return replace(plan, guide=replace(plan.guide, page=attaching(plan)))


def _by(engine: str, request: Request) -> LaunchPlan:
    if (planned := ENGINES[engine].elsewhere) is None:
        raise ForbiddenError(said("not_started", engine=ENGINES[engine].traits.title))
    return planned(request)


def _automatic(request: Request) -> LaunchPlan:
    model = request.model
    if request.target.vendor == CPU and model.stand_in:
        why = said("vllm_cpu", gb=model.weights_gb, model=model.name)
        return _with_gguf(request, why)
    try:
        return vllm_plan(request)
    except ForbiddenError as error:
        if not model.stand_in or request.extra or request.variant or request.speculative:
            raise
        try:
            return _with_gguf(request, error.args[0])
        except ForbiddenError:
            raise error from None


def _with_gguf(request: Request, why: str) -> LaunchPlan:
    plan = llama_plan(replace(request, model=models()[request.model.stand_in]))
    return replace(plan, reasons=(*plan.reasons, why))
