"""`./start.sh prove`: whether the engine of this machine's plan works, before gigabytes of weights are downloaded."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys

from engine import processes
from engine.catalog import find_model
from engine.config import Settings
from engine.engines.choice import make_plan
from engine.engines.registry import engine_of
from engine.machine.detect import Hardware, detect
from engine.measure.proof.limits import Shared, compare, unproven
from engine.measure.proof.record import Outcome
from engine.measure.proof.trial import Trial, TrialError, attempt
from engine.nano import NAME
from engine.plans.launch import LaunchPlan, PlanError
from engine.status import Status
from engine.supervise import control

NOT_PROVEN = 1
_SOUND = "a sound engine: about 96 %"


def run(settings: Settings, _: argparse.Namespace) -> int:
    """Tries it and prints what was found; 1 if it does not work, or can't be tried."""
    try:
        hardware = detect()
        plan = make_plan(settings, hardware)
        nano = nano_plan(plan, settings, hardware)
    except PlanError as error:
        print(error, file=sys.stderr)
        return NOT_PROVEN
    settings.files.create()
    model = find_model(plan.model)
    print(f"{model.title} would run on {plan.traits.title}, {plan.accelerator}: nano stands for it there.", flush=True)
    try:
        log = settings.files.proof_log
        trial = asyncio.run(attempt(nano, settings, log, lambda line: print(f"       {line}", flush=True)))
    except TrialError as error:
        _keep(Outcome.of(plan, str(error)), settings)
        print(f"WRONG  {error}")
        return NOT_PROVEN
    _keep(Outcome.of(plan, trial), settings)
    print("\n".join([*_found(trial), *_flags(compare(plan, nano)), "", "What this does not prove:"]))
    proof, tensor = engine_of(plan.engine).proof, engine_of(plan.engine).flags.tensor
    assert proof is not None
    print("\n".join(f"- {line}" for line in unproven(plan, model, proof, tensor)))
    return 0 if trial.passed else NOT_PROVEN


def nano_plan(plan: LaunchPlan, settings: Settings, hardware: Hardware) -> LaunchPlan:
    """Nano in the place of the model of `plan`.

    Raises:
        PlanError: nano can't stand for it, or its engine runs already.
    """
    proof, title = engine_of(plan.engine).proof, plan.traits.title
    if plan.traits.remote:
        raise PlanError("The engine runs elsewhere: ./start.sh verify checks it.")
    if not engine_of(plan.engine).chats:
        why = " ".join(plan.why())
        raise PlanError(f"No large model would run here, only the reader, which ./start.sh eval ocr measures. {why}")
    if proof is None:
        raise PlanError(f"nano does not run on {title}: start the model itself, then ./start.sh verify checks it.")
    if control.supervisor(settings.files) and Status.read(settings.files.status).engine.kind == plan.engine:
        raise PlanError(f"{title} runs here already: ./start.sh verify checks it.")
    changes = {"model": NAME, "engine": plan.engine, "engine_port": processes.free_port()}
    return proof.plan(settings.model_copy(update=changes), hardware)


def _keep(outcome: Outcome, settings: Settings) -> None:
    with contextlib.suppress(OSError):
        outcome.write(settings.files.proof)


def _found(trial: Trial) -> list[str]:
    lines = [
        _line(True, "start", f"ready after {trial.ready_seconds:.1f} s"),
        _line(trial.sees, "shapes", f"{trial.shapes} named ({_SOUND})"),
        _line(trial.counts_well, "counts", f"{trial.counts} to the end"),
        _line(trial.streams, "thinking", trial.stream),
        _line(True, "speed", f"{trial.together:,.0f} tokens/s with four questions at once"),
        _line(True, "memory", f"{trial.memory / 1e9:.2f} GB of RAM{_devices(trial)}"),
    ]
    if trial.layers is not None:
        on_gpu = f"{trial.layers or 'no'} layers there"
        way_out = "" if trial.reaches_gpu else ": see its output for why, and `llama-server --list-devices`"
        lines.append(_line(trial.reaches_gpu, "GPU", on_gpu + way_out))
    if not trial.sees:
        lines.append("       It sees little or scrambled: docs/llama.md names what to look for with llama.cpp.")
    return lines


def _devices(trial: Trial) -> str:
    return "".join(f", {used / 1e9:.2f} GB of {name}" for name, used in trial.devices)


def _line(well: bool, name: str, said: str) -> str:
    return f"{'ok' if well else 'WRONG':6} {name}: {said}"


def _flags(shared: Shared) -> list[str]:
    parts = {
        "The plan's flags that nano ran with": shared.same,
        "Those to which it gave a value of its own": shared.other_value,
        "Those that it can't take": shared.left_out,
        "What its environment had beside the plan's": shared.env,
    }
    return ["", *(f"{title}: {' '.join(found)}" for title, found in parts.items() if found)]
