"""The settings panel shows the chosen settings that the model has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.page.settings.panel import widgets
from app.presets import Presets
from app.talk.settings import Offer, parse
from engine.catalog import find_model, models

OFFER = Offer(("kimi",), find_model("Kimi-VL-A3B-Thinking"), 131072)
K25 = Offer(("kimi",), find_model("Kimi-K2.5"), 262144)
INSTRUCT = Offer(("kimi",), find_model("Kimi-VL-A3B-Instruct"), 131072)


def panel(offer: Offer, chosen: dict[str, Any]) -> dict[str, Any]:
    """What the panel shows, by the ids of its widgets."""
    return {widget.id: widget.initial for widget in widgets(offer, "en", "Kimi-VL Chat", chosen)}


def test_the_panel_shows_what_was_chosen() -> None:
    chosen = {"temperature": 0.3, "stop": ["\\n", 7], "agent_name": "K", "system_prompt": "Be brief.", "max_tokens": 5}
    shown = panel(OFFER, chosen)
    assert shown == {
        "model": "kimi", "thinking": True,
        "temperature": 0.3, "top_p": 0.95, "max_tokens": 5, "streaming": True, "show_thinking": True,
        "stop": ["\\n"], "agent_name": "K", "system_prompt": "Be brief.",
    }  # fmt: skip


def test_what_does_nothing_for_the_reader_is_not_shown() -> None:
    shown = panel(
        Offer(("reader",), find_model("reader"), 1_048_576), {"temperature": 0.3, "system_prompt": "Be brief."}
    )
    assert list(shown) == ["model", "max_tokens", "streaming", "stop", "agent_name"]


def test_the_switch_for_thinking_is_there_only_where_the_model_has_one() -> None:
    with_switch = {name for name, model in models().items() if "thinking" in panel(Offer(("kimi",), model, 4096), {})}
    assert with_switch == {"Kimi-VL-A3B-Thinking", "Kimi-VL-A3B-Thinking-2506", "Kimi-K2.5", "Kimi-K2.6"}
    assert panel(K25, {"thinking": False})["thinking"] is False


def test_a_server_may_have_models_with_and_without_the_switch() -> None:
    offer = Offer(("Kimi-K2.5", "Kimi-K2-Thinking", "moonshotai/Kimi-K2.6", "unknown"), K25.model, 262144)
    assert [name for name in offer.served if "thinking" in panel(offer, {"model": name})] == [
        "Kimi-K2.5", "moonshotai/Kimi-K2.6"
    ]  # fmt: skip


def test_a_preset_may_answer_at_once(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('name = "Mine"\n[settings]\nthinking = false')
    settings = Presets(tmp_path).find("mine").settings
    assert (parse(settings, K25).thinking, parse(settings, K25).temperature) == (False, 0.6)
    assert parse(settings, INSTRUCT).thinking
    assert panel(K25, settings)["temperature"] == 0.6
