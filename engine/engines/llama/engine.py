"""llama.cpp's `llama-server`."""

from __future__ import annotations

from engine.catalog import Model
from engine.config import Settings
from engine.engines.base import Engine, request_here
from engine.engines.llama.log import LlamaLog
from engine.engines.llama.plan import FLAGS, NAME, TRAITS, llama_plan
from engine.machine.detect import Hardware
from engine.plans.launch import LaunchPlan, PlanError
from engine.plans.target import from_hardware


def _here(settings: Settings, hardware: Hardware, model: Model) -> LaunchPlan:
    if hardware.llama_server is None:
        raise PlanError(
            "llama-server is not on the PATH; with it and 15 GB of memory the vision model would run here, slowly."
        )
    targets = [target for target in from_hardware(hardware) if target.vendor in {"nvidia", "cpu"}]
    # What does not fit into the GPU stays in RAM: the larger of the two decides.
    target = max(targets, key=lambda target: target.total_gb or 0)
    return llama_plan(request_here(settings, model, target, hardware.llama_server))


LLAMA = Engine(
    name=NAME,
    traits=TRAITS,
    here=_here,
    elsewhere=llama_plan,
    aliases=("llama.cpp", "llama-server"),
    automatic=True,
    automatic_note="llama.auto",
    flags=FLAGS,
    watcher=LlamaLog,
    # Of its few slots a question would take one, and with it what it remembers of a long chat.
    probed=False,
    no_bench=(
        "llama-server brings no serving benchmark; stop it and run llama.cpp's own llama-bench with the same GGUF."
    ),
)
