"""One file per combination, for review: what `./start.sh plan` prints.

A change of a plan shows as a change of its file; KIMI_WRITE_GOLDEN=1 rewrites them.
"""

import os
import shlex
from pathlib import Path

import pytest

from engine.plans.formats import node_script, render
from tests.instruments.combinations import COMBINATIONS, plan_of

GOLDEN = Path(__file__).parents[3] / "golden" / "plans"
FORMATS = {
    ("kimi-k2.5-mi355x", "shell"),
    ("kimi-k2.5-mi355x", "compose"),
    ("kimi-k2.5-mi355x", "json"),
    ("kimi-k2-thinking-atlas-a3", "docker"),
    ("kimi-k2-thinking-atlas-a3", "compose"),
    ("kimi-k2.5-2-nodes-h100", "shell"),
    ("kimi-vl-thinking-h200", "docker"),
    ("kimi-vl-thinking-h200", "compose"),
    ("kimi-vl-thinking-2506-laptop", "shell"),
}
NODES = {"kimi-k2.5-2-nodes-h100", "kimi-k2.5-2-nodes-atlas-a2"}


@pytest.mark.parametrize("name", COMBINATIONS)
def test_each_combination_prints_its_golden_file(name: str) -> None:
    compare(f"{name}.txt", render(plan_of(shlex.split(COMBINATIONS[name])), "text"))


@pytest.mark.parametrize(("name", "how"), sorted(FORMATS))
def test_each_format_prints_its_golden_file(name: str, how: str) -> None:
    compare(f"{name}.{how}", render(plan_of(shlex.split(COMBINATIONS[name])), how))


@pytest.mark.parametrize("name", sorted(NODES))
def test_each_further_node_has_its_script(name: str) -> None:
    compare(f"{name}.node-1", node_script(plan_of(shlex.split(COMBINATIONS[name])), 1))


def test_no_golden_file_is_left_over() -> None:
    wanted = {f"{name}.txt" for name in COMBINATIONS} | {f"{name}.{how}" for name, how in FORMATS}
    wanted |= {f"{name}.node-1" for name in NODES}
    assert {path.name for path in GOLDEN.iterdir()} == wanted


def compare(file: str, printed: str) -> None:
    path = GOLDEN / file
    if os.environ.get("KIMI_WRITE_GOLDEN"):
        path.write_text(printed)
    assert printed == path.read_text()
