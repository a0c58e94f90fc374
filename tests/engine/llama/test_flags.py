"""Every flag of every plan for llama-server is one that it names in its own `--help`."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from engine.plans.flags import split
from engine.plans.launch import LaunchPlan
from tests.instruments.combinations import COMBINATIONS, plan_of

pytestmark = pytest.mark.llama

PRESETS = ("", "appliance", "long-context", "low-latency", "high-throughput")
COMMANDS = [
    *(
        f"{text} --preset {preset}" if preset else text
        for text in COMBINATIONS.values()
        if "llama" in text or "CPU --memory 32" in text
        for preset in PRESETS
    ),
]


@pytest.fixture(scope="session")
def options(llama_program: Path) -> dict[str, str]:
    """What `--help` has: the option's name → what it says of its value, empty where it takes none."""
    text = subprocess.run([llama_program, "--help"], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in text.splitlines():
        names = re.match(r"(-[^\s,]+,?\s+)*-{1,2}[^\s,]+", line)
        if names:
            rest = line[names.end() :]
            value = "" if rest.startswith("  ") else rest.split("  ")[0].strip()
            found |= dict.fromkeys(re.findall(r"--[\w-]+", names[0]), value)
    return found


def complaints(plan: LaunchPlan, options: dict[str, str]) -> list[str]:
    """What `--help` has against the command line."""
    found = []
    for name, *values in split(plan.argv[1:]):
        if name not in options:
            found.append(f"{name} is not known")
        elif bool(options[name]) != bool(values):
            found.append(f"{name} {'needs a' if options[name] else 'takes no'} value")
    return found


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_holds_every_flag(command: str, options: dict[str, str]) -> None:
    plan = plan_of(shlex.split(command))
    assert plan.engine == "llama"
    assert complaints(plan, options) == []


def test_the_launch_here_too(llama, options: dict[str, str]) -> None:
    assert complaints(llama.plan, options) == []
    assert "--threads" in llama.plan.argv


def test_a_flag_that_is_not_its_own_is_noticed(options: dict[str, str]) -> None:
    plan = LaunchPlan(
        "llama", "nano", "nano", "", "data", argv=("llama-server", "--max-num-seqs", "8", "--metrics", "1", "--alias")
    )
    assert complaints(plan, options) == [
        "--max-num-seqs is not known",
        "--metrics takes no value",
        "--alias needs a value",
    ]
