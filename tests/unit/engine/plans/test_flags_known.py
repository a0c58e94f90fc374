"""Every flag of every plan for SGLang is in the argument list that was recorded from it.

The other engines are asked themselves: tests/engine/vllm/test_plans.py, tests/engine/llama/test_flags.py.
"""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from engine.plans.flags import split
from engine.plans.launch import LaunchPlan
from engine.plans.tuning import TUNINGS
from tests.instruments.combinations import COMBINATIONS, plan_of

RECORDED = Path(__file__).parents[3] / "recorded"
FILES = {"sglang": "sglang-0.5.23.json"}
COMMANDS = [
    text + preset
    for text in COMBINATIONS.values()
    if "sglang" in text
    for preset in ("", *(f" --preset {preset}" for preset in TUNINGS))
]


def recorded(engine: str) -> dict[str, Any]:
    return json.loads((RECORDED / FILES[engine]).read_text())


def complaints(plan: LaunchPlan, argv: tuple[str, ...]) -> list[str]:
    """What the engine's argument list has against the command line."""
    options = recorded(plan.engine)["options"]
    found = []
    for name, *values in split(argv):
        if not name.startswith("--"):
            continue  # the program itself
        known = options.get(name)
        if known is None:
            found.append(f"{name} is not known")
        elif known["value"] != bool(values):
            found.append(f"{name} {'needs a' if known['value'] else 'takes no'} value")
        elif "choices" in known and values[0] not in known["choices"]:
            found.append(f"{name} {values[0]} is not one of its choices")
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_the_recorded_arguments_hold_every_flag(command: str) -> None:
    plan = plan_of(shlex.split(command))
    assert recorded(plan.engine)["version"] in plan.guide.checked
    for argv in (plan.argv, *plan.guide.workers):
        assert complaints(plan, argv) == []


def test_a_flag_that_is_not_the_engines_is_noticed() -> None:
    plan = plan_of(shlex.split("--accelerator H100 --engine sglang"))
    wrong = (*plan.argv, "--max-num-seqs", "8", "--reasoning-parser", "kimi_vl", "--tp-size")
    assert complaints(plan, wrong) == [
        "--max-num-seqs is not known", "--reasoning-parser kimi_vl is not one of its choices", "--tp-size needs a value"
    ]  # fmt: skip
