"""Personal settings are those that differ from the preset."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.page.settings.own import differing
from app.talk.settings import Offer, parse
from engine.catalog import find_model

OFFER = Offer(("kimi",), find_model("Kimi-VL-A3B-Thinking"), 131072)
K25 = Offer(("kimi",), find_model("Kimi-K2.5"), 262144)
WITH_TOOLS = replace(K25, tools=True)
INSTRUCT = Offer(("kimi",), find_model("Kimi-VL-A3B-Instruct"), 131072)


def test_only_what_differs_from_the_preset_is_a_persons_own() -> None:
    preset = {"temperature": 0.0, "system_prompt": "Read."}
    sent: dict[str, Any] = {
        "model": "kimi", "temperature": 0, "top_p": 0.95, "max_tokens": "77", "streaming": True, "stop": ["\\n"],
        "agent_name": None, "system_prompt": "Read.", "show_thinking": False,
    }  # fmt: skip
    assert differing(sent, preset, OFFER) == {"max_tokens": "77", "stop": ["\\n"], "show_thinking": False}
    assert differing({**sent, "system_prompt": None}, preset, OFFER)["system_prompt"] is None


def test_the_mode_is_a_persons_own_and_its_defaults_are_not() -> None:
    preset = {"system_prompt": "Read."}
    instant = {"thinking": False, "temperature": 0.6, "top_p": 0.95, "system_prompt": "Read."}
    assert differing(instant, preset, K25) == {"thinking": False}
    assert differing({**instant, "temperature": 0.7}, preset, K25) == {"thinking": False, "temperature": 0.7}
    assert differing({"thinking": True, "temperature": 1.0}, {"thinking": False}, K25) == {"thinking": True}
    assert differing(instant, {"thinking": False}, K25) == {"system_prompt": "Read."}
    assert differing({"thinking": False}, {}, INSTRUCT) == {}


def test_tools_that_are_switched_on_stay_in_their_chat() -> None:
    assert parse({"tools": True}, WITH_TOOLS).tools, "the chat itself has them"
    assert differing({"tools": True, "streaming": False}, {}, WITH_TOOLS) == {"streaming": False}
    assert differing({"tools": False}, {"tools": True}, WITH_TOOLS) == {}
