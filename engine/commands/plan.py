"""`./start.sh plan`: what would run here and why, or the exact launch for any other machine."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from engine.arguments import positive
from engine.capacity import command as capacity
from engine.capacity.needs import NeedsError
from engine.catalog import UnknownNameError, catalog, models
from engine.config import AUTO, Settings
from engine.engines.choice import make_plan
from engine.engines.elsewhere import Choice, plan_choice, plan_elsewhere
from engine.engines.ladder import wanted_model
from engine.engines.registry import ENGINES
from engine.install.weights import Missing, WeightsError, find_weights
from engine.machine.detect import Hardware, detect
from engine.plans.formats import FORMATS, node_script, render
from engine.plans.launch import WEIGHTS, LaunchPlan, PlanError
from engine.plans.request import PARSED, Request, verification_here
from engine.plans.target import from_hardware
from engine.plans.tuning import TUNINGS

UNKNOWN, FORBIDDEN = 2, 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `plan`."""
    cards = ", ".join(catalog().accelerators)
    parser.add_argument("--model", help=f"the model: {', '.join(models())} (KIMI_MODEL)")
    parser.add_argument("--accelerator", help=f"another machine's devices: {cards}")
    parser.add_argument("--count", type=positive, help="how many devices one machine has")
    parser.add_argument("--memory", type=_gigabytes, help="GB of one device, or of RAM for a CPU")
    parser.add_argument("--engine", type=_engine, choices=[AUTO, *_planned_engines()], help="the engine")
    parser.add_argument("--variant", default="", help="another form of the weights: nvfp4, mxfp4, fp8")
    parser.add_argument("--preset", type=str.lower, choices=TUNINGS, help="a set of engine flags (KIMI_PRESET)")
    parser.add_argument("--speculative", action="store_true", help="a draft model proposes tokens (EAGLE3)")
    parser.add_argument(
        "--without", action="append", default=[], choices=PARSED,
        help="leave thoughts or tool calls in the text, without the engine's parser",
    )  # fmt: skip
    parser.add_argument("--nodes", type=positive, default=1, help="how many machines work together")
    parser.add_argument("--format", type=str.lower, choices=FORMATS, default="text", help="how to print it (text)")
    parser.add_argument("--node", type=int, help="of several machines, print the script of this one, from 0 on")
    capacity.arguments(parser)
    parser.add_argument("extra", nargs="*", metavar="-- FLAGS", help="further flags for the engine, as they are")


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints the plan; returns 0, 2 for an unknown name, or 3 for a combination that can't work."""
    try:
        if chosen.people:
            model = wanted_model(chosen.model or settings.model)
            print(capacity.report(settings, chosen, model), end="")
            return 0
        plan = planned(settings, chosen)
        print(render(plan, chosen.format) if chosen.node is None else node_script(plan, chosen.node), end="")
    except UnknownNameError as error:
        print(error, file=sys.stderr)
        return UNKNOWN
    except (PlanError, NeedsError) as error:
        print(error, file=sys.stderr)
        return FORBIDDEN
    return 0


def planned(settings: Settings, chosen: argparse.Namespace) -> LaunchPlan:
    """The requested plan.

    Raises:
        UnknownNameError: a name is not in the catalogue.
        PlanError: the combination is known not to work.
    """
    model = wanted_model(chosen.model or settings.model)
    tuning = chosen.preset or settings.preset
    if chosen.accelerator is None and (chosen.count or chosen.memory or chosen.nodes > 1):
        raise UnknownNameError(
            f"--count, --memory and --nodes describe another machine; name its --accelerator: "
            f"{', '.join(catalog().accelerators)}."
        )
    if chosen.accelerator is not None:
        choice = Choice(
            model.name,
            chosen.accelerator,
            chosen.count,
            chosen.nodes,
            chosen.memory,
            chosen.engine or AUTO,
            chosen.variant,
            tuning,
            speculative=chosen.speculative,
            without=tuple(chosen.without),
        )
        return plan_choice(choice, model, tuple(chosen.extra))
    hardware = detect()
    changed = chosen.extra or chosen.variant or chosen.speculative or chosen.without
    if chosen.format in {"text", "json"} and not changed:
        return _plan_here(settings, chosen, hardware)
    request = Request(
        model,
        from_hardware(hardware)[0],
        tuning=tuning,
        variant=chosen.variant,
        speculative=chosen.speculative,
        without=tuple(chosen.without),
        extra=tuple(chosen.extra),
    )
    return plan_elsewhere(request, chosen.engine or AUTO)


def _plan_here(settings: Settings, chosen: argparse.Namespace, hardware: Hardware) -> LaunchPlan:
    changes = {name: getattr(chosen, name) for name in ("model", "engine", "preset") if getattr(chosen, name)}
    settings = settings.model_copy(update=changes)
    plan = make_plan(settings, hardware)
    guide = replace(plan.guide, verify=verification_here(), page="# The page comes with the engine\n./start.sh")
    return replace(plan, guide=guide, argv=tuple(part.replace(WEIGHTS, _folder(plan, settings)) for part in plan.argv))


def _folder(plan: LaunchPlan, settings: Settings) -> str:
    """Where the weights are, or will be."""
    try:
        found = find_weights(models()[plan.model], plan.weights, settings.models_folder, plan.variant)
    except WeightsError:
        return plan.weights
    return str(found.folder if isinstance(found, Missing) else found)


def _gigabytes(text: str) -> float:
    number = float(text.lower().removesuffix("b").removesuffix("gi").removesuffix("g"))
    if number <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not greater than 0")
    return number


def _engine(text: str) -> str:
    name = text.lower()
    return next((engine.name for engine in ENGINES.values() if name in engine.aliases), name)


def _planned_engines() -> list[str]:
    return [engine.name for engine in ENGINES.values() if not engine.traits.remote]
