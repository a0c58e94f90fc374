"""llama.cpp's `llama-server`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.catalog import Model, find_model
from engine.config import ROOT, Settings
from engine.engines.base import Engine, Environment, Proof, request_here
from engine.engines.llama.devices import targets_of
from engine.engines.llama.environment import ENVIRONMENT, is_ready
from engine.engines.llama.log import LlamaLog
from engine.engines.llama.plan import FLAGS, NAME, TRAITS, llama_plan
from engine.engines.llama.server import Server, choose_server
from engine.install.weights import Missing, WeightsError, find_weights
from engine.machine.detect import Hardware
from engine.machine.vendors import CPU, VENDORS
from engine.nano import NAME as NANO
from engine.plans.launch import ForbiddenError, LaunchPlan, PlanError
from engine.plans.target import Target


def _here(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    server = choose_server(hardware, ROOT, settings.llama_build)
    plan = _best(server, settings, hardware, model)
    if plan.note != _GPU_NOTE and not server.installed and settings.llama_build == "auto":
        # No GPU has room for a layer, and none of a build for GPUs needs to be installed.
        server = choose_server(replace(hardware, accelerators=()), ROOT)
        plan = _best(server, settings, hardware, model)
    plan = replace(plan, environment=server.build or "", reasons=(server.why, *plan.reasons))
    return _while_the_reader_answers(plan, model, settings) if settings.engine == "auto" else plan


def _best(server: Server, settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    """On the GPUs if they hold a layer, with the RAM what they don't; else on the processor alone."""
    first: PlanError | None = None
    for target in targets_of(server, hardware):
        request = request_here(settings, model, target, str(server.program), hardware.physical_cores)
        try:
            plan = llama_plan(request)
        except ForbiddenError as error:
            first = first or error
            continue
        if target.vendor == CPU:
            return plan
        # Of the user's own it is known what it was built for.
        by = (_by_vulkan(target),) if server.build in {"wheel", "vulkan"} else (_UNTRIED,) if server.build else ()
        return replace(plan, note=_GPU_NOTE, reasons=(*by, *plan.reasons))
    assert first is not None
    raise first


_GPU_NOTE = "llama.gpu"
_UNTRIED = "Nobody has told us of it on a GPU yet: ./start.sh prove shows what it does."


def _by_vulkan(target: Target) -> str:
    build = VENDORS[target.vendor].llama_build
    other = f" KIMI_LLAMA_BUILD={build} installs llama.cpp's build for {build.upper()} instead." if build else ""
    return f"Its Vulkan module reaches the GPU. {_UNTRIED}{other}"


def _while_the_reader_answers(plan: LaunchPlan, model: Model, settings: Settings) -> LaunchPlan:
    """The plan where nobody has asked for llama.cpp: its weights come beside the reader, and only if they may."""
    try:
        found = find_weights(model, plan.weights, settings.models_folder, plan.variant)
    except WeightsError as error:
        raise PlanError(str(error)) from None
    if not isinstance(found, Missing):
        return plan
    to_fetch = sum(file.bytes for file in found.files)
    missing = f"{model.title} would run here on llama.cpp; its {to_fetch / 1000**3:.1f} GB are not on this machine"
    if settings.download == "no":
        raise PlanError(f"{missing}: KIMI_DOWNLOAD=yes fetches them.")
    when = "are fetched" if settings.download == "yes" else "are fetched once somebody says so on the page"
    why = f"{missing} and {when} (KIMI_DOWNLOAD={settings.download}); until then the reader answers."
    return replace(plan, to_fetch=to_fetch, reasons=(*plan.reasons, why))


def _nano_here(settings: Settings, hardware: Hardware) -> LaunchPlan:
    plan = _here(settings, hardware, find_model(NANO))
    # By itself it does not say where its layers are.
    return replace(plan, argv=(*plan.argv, "--verbosity", "4"))


def _has_environment(root: Path, build: str, _: Settings) -> bool:
    return is_ready(root, build)


LLAMA = Engine(
    name=NAME,
    traits=TRAITS,
    here=_here,
    elsewhere=llama_plan,
    aliases=("llama.cpp", "llama-server"),
    automatic=True,
    automatic_note="llama.auto",
    flags=FLAGS,
    environment=Environment(ENVIRONMENT, "engine.engines.llama.environment", lambda _: [], _has_environment),
    watcher=LlamaLog,
    # Of its few slots a question would take one, and with it what it remembers of a long chat.
    probed=False,
    proof=Proof(
        _nano_here,
        (
            "The published files, of which the decoder is quantized to 4 bits and the picture encoder's rows are "
            "reordered: nano's are in 32 bits (./start.sh eval ocr measures the model itself).",
        ),
    ),
    no_bench=(
        "llama-server brings no serving benchmark; stop it and run llama.cpp's own llama-bench with the same GGUF."
    ),
)
