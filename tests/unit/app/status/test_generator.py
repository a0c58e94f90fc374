"""The data of the generator of commands: it is what `./start.sh plan` says, for every combination of the tests."""

from __future__ import annotations

import re
import shlex
from typing import Any
from urllib.parse import parse_qs

import pytest

from app.status.generator import generated
from app.status.wish import Wish
from engine.catalog import catalog
from engine.plans.formats import as_compose, as_docker, node_script
from engine.wording import in_language
from tests.instruments.combinations import COMBINATIONS, plan_of


def shown(**wish: Any) -> dict[str, Any]:
    return generated(Wish(**wish), "en")


def of_query(query: str) -> Wish:
    """The choice in an address, as FastAPI reads it."""
    given = parse_qs(query)
    return Wish.model_validate({name: found if name == "without" else found[0] for name, found in given.items()})


@pytest.mark.parametrize(
    "name", ["kimi-k2.5-2-nodes-h100", "kimi-k2.6-sglang-h200-speculative", "kimi-vl-thinking-l40s"]
)
def test_the_page_has_the_commands_of_the_shell(name: str) -> None:
    wishes: dict[str, dict[str, Any]] = {
        "kimi-k2.5-2-nodes-h100": {"model": "Kimi-K2.5", "accelerator": "H100", "nodes": 2},
        "kimi-k2.6-sglang-h200-speculative": {
            "model": "Kimi-K2.6", "accelerator": "H200", "engine": "sglang", "speculative": True,
        },
        "kimi-vl-thinking-l40s": {},
    }  # fmt: skip
    expected = plan_of(shlex.split(COMBINATIONS[name]))
    found = shown(**wishes[name])
    plan = found["plan"]
    nodes = range(len(expected.guide.workers) + 1)
    assert plan["scripts"]["shell"] == [node_script(expected, rank) for rank in nodes]
    assert all(run in as_docker(expected) for run in plan["scripts"]["docker"])
    assert plan["scripts"]["compose"] == [as_compose(expected)]
    assert plan["reasons"] == expected.why()
    # The command that is shown gives the same plan.
    assert plan_of(shlex.split(found["command"])[2:]) == expected


def test_what_does_not_fit_says_why_and_every_option_leads_to_what_it_promises() -> None:
    found = shown(model="Kimi-K2.5", accelerator="H200", count=8, tuning="low-latency", without=["tools"])
    options = [(axis, option) for axis, options in found["options"].items() for option in options]
    assert {option["name"] for axis, option in options if axis == "accelerator"} == set(catalog().accelerators)
    whys = {f"{axis} {option['name']}": option["why"] for axis, option in options}
    assert "needs 714 GB" in whys["accelerator L40S"]
    assert "does not run on llama" in whys["engine llama"]
    assert not whys["accelerator MI300X"]
    for axis, option in options:
        led = generated(of_query(option["query"]), "en")
        assert led.get("error", "") == option["why"], f"{axis} {option['name']}"
        assert led["query"] == option["query"]


def test_a_capability_that_is_left_out_leaves_its_parser_out() -> None:
    with_all, without = (
        shown(model="Kimi-K2.5", accelerator="H200"),
        shown(model="Kimi-K2.5", accelerator="H200", without=["thoughts", "tools"]),
    )
    for flag in ("--reasoning-parser", "--tool-call-parser", "--enable-auto-tool-choice"):
        assert flag in with_all["plan"]["scripts"]["shell"][0]
        assert flag not in without["plan"]["scripts"]["shell"][0]


@pytest.mark.parametrize(
    ("wish", "known"),
    [
        ({"model": "gpt-2"}, "Kimi-K2.6"),
        ({"model": "nano"}, "Kimi-K2.6"),
        ({"model": "/etc"}, "Kimi-K2.6"),
        ({"accelerator": "GTX1080"}, "MI355X"),
        ({"engine": "reader"}, "sglang"),
        ({"variant": "int2"}, "fp8"),
        ({"tuning": "magic"}, "low-latency"),
        ({"without": ["everything"]}, "tools"),
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(wish: dict[str, Any], known: str) -> None:
    found = shown(**wish)
    assert set(found) == {"error"}
    assert known in found["error"]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_every_sentence_of_a_plan_is_chinese_in_chinese(name: str) -> None:
    plan = plan_of(shlex.split(COMBINATIONS[name]))
    for sentence in (*plan.why("zh"), *(in_language(text, "zh") for text in (*plan.guide.advice, plan.guide.checked))):
        assert re.search(r"[一-鿿]", sentence), sentence


@pytest.mark.parametrize(
    "wish", [{}, {"model": "Kimi-K2.5", "accelerator": "Atlas A3"}, {"accelerator": "CPU", "memory": 8}]
)
def test_why_something_does_not_fit_is_chinese_in_chinese(wish: dict[str, Any]) -> None:
    found = generated(Wish(**wish), "zh")
    whys = [option["why"] for options in found["options"].values() for option in options if option["why"]]
    assert len(whys) > 5
    for sentence in (*whys, found.get("error", "无")):
        assert re.search(r"[一-鿿]", sentence), sentence
