"""Presets: ours are whole in both languages, a person's own are taken from their folder, a broken one does no harm."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from app.i18n import LANGUAGES
from app.talk.settings import Offer, parse
from engine.catalog import find_model, models

with warnings.catch_warnings():
    # Libraries below Chainlit use what pydantic has deprecated.
    warnings.simplefilter("ignore")
    from app.page.own_settings import differing
    from app.page.panel import widgets
    from app.page.profiles import profile, starters
    from app.presets import DEFAULT, Presets

OFFER = Offer(("kimi",), find_model("Kimi-VL-A3B-Thinking"), 131072)
K25 = Offer(("kimi",), find_model("Kimi-K2.5"), 262144)
INSTRUCT = Offer(("kimi",), find_model("Kimi-VL-A3B-Instruct"), 131072)


def panel(offer: Offer, chosen: dict[str, Any]) -> dict[str, Any]:
    """What the panel shows, by the ids of its widgets."""
    return {widget.id: widget.initial for widget in widgets(offer, "en", "Kimi-VL Chat", chosen)}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "presets"
    folder.mkdir()
    return folder


def test_ours_are_whole_in_both_languages(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "none").all()
    assert next(iter(presets)) == DEFAULT
    assert {"read-text", "describe", "think-hard", "table", "formula", "receipt"} < set(presets)
    for language in LANGUAGES:
        assert len({preset.name[language] for preset in presets.values()}) == len(presets)
    for name, preset in presets.items():
        if name != DEFAULT:
            assert all(preset.description[language] for language in LANGUAGES)
            assert preset.icon
            assert preset.settings["system_prompt"]


def test_what_ours_set_is_within_the_limits(tmp_path: Path) -> None:
    for preset in Presets(tmp_path / "none").all().values():
        parsed = parse(preset.settings, OFFER)
        assert {name: getattr(parsed, name) for name in preset.settings} == preset.settings


def test_a_file_dropped_into_the_folder_is_a_preset_at_once(own: Path) -> None:
    presets = Presets(own)
    assert "mine" not in presets.all()
    file = own / "mine.toml"
    file.write_text(
        'order = 5\nname = "Mine"\nquestion = { zh = "你好" }\n[settings]\ntemperature = 1.5\nstop = ["\\\\n"]\n'
    )
    mine = presets.all()["mine"]
    assert list(presets.all())[:2] == [DEFAULT, "mine"]
    assert (mine.name, mine.question) == ({"en": "Mine", "zh": "Mine"}, {"en": "你好", "zh": "你好"})
    assert parse(mine.settings, OFFER).stop == ("\n",)
    file.write_text('name = "Changed"')
    os.utime(file, ns=(1, 1))
    assert presets.find("mine").name["en"] == "Changed"
    file.unlink()
    assert presets.find("mine") == presets.all()[DEFAULT]


def test_ones_own_preset_wins_over_ours_of_the_same_name(own: Path) -> None:
    (own / "describe.toml").write_text('name = "My way"')
    assert Presets(own).all()["describe"].name["en"] == "My way"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "Invalid value"),
        ("order = 1", "name"),
        ('name = "x"\n[settings]\ntemprature = 1', "temprature"),
        ('name = "x"\nicon = "../../etc/passwd"', "icon"),
        ('name = "x"\nsurprise = 1', "surprise"),
        ('name = "x"\n[[starters]]\nlabel = "a"\nmessage = "b"\npicture = "../x.png"', "picture"),
        ("\xff", "mine.toml"),
    ],
)
def test_a_broken_file_is_named_in_the_log_and_left_out(
    own: Path, caplog: pytest.LogCaptureFixture, text: str, said: str
) -> None:
    (own / "mine.toml").write_bytes(text.encode("latin-1"))
    with caplog.at_level(logging.WARNING):
        presets = Presets(own)
        assert "mine" not in presets.all()
        assert DEFAULT in presets.all()
    [record] = caplog.records
    assert "mine.toml" in record.getMessage()
    assert said in record.getMessage()


def test_a_starter_brings_its_picture_whatever_the_language(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "none")
    for question in ("Describe this shop front.", "描述这家店面。"):
        sample = presets.sample(question)
        assert sample
        assert sample.is_file()
    assert presets.sample("What?") is None


def test_a_profile_says_it_in_the_readers_language(tmp_path: Path) -> None:
    preset = Presets(tmp_path / "none").find("receipt")
    english, chinese = (profile("receipt", preset, language, chosen=language == "zh") for language in LANGUAGES)
    assert (english.name, english.display_name, english.default) == ("receipt", "Receipt", False)
    assert (chinese.name, chinese.display_name, chinese.default) == ("receipt", "小票", True)
    assert chinese.starters
    assert chinese.starters[0].label == "读取一张小票"


def test_a_starter_has_its_own_icon_or_its_presets(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "none")
    assert [starter.icon for starter in starters(presets.find(DEFAULT), "en")] == [
        f"/public/starters/{name}.svg" for name in ("text", "receipt", "table", "describe")
    ]
    assert {starter.icon for starter in starters(presets.find("receipt"), "en")} == {"/public/starters/receipt.svg"}


def test_only_what_differs_from_the_preset_is_a_persons_own() -> None:
    preset = {"temperature": 0.0, "system_prompt": "Read."}
    sent: dict[str, Any] = {
        "model": "kimi", "temperature": 0, "top_p": 0.95, "max_tokens": "77", "streaming": True, "stop": ["\\n"],
        "agent_name": None, "system_prompt": "Read.", "show_thinking": False,
    }  # fmt: skip
    assert differing(sent, preset, OFFER) == {"max_tokens": "77", "stop": ["\\n"], "show_thinking": False}
    assert differing({**sent, "system_prompt": None}, preset, OFFER)["system_prompt"] is None


def test_the_panel_shows_what_was_chosen() -> None:
    chosen = {"temperature": 0.3, "stop": ["\\n", 7], "agent_name": "K", "system_prompt": "Be brief.", "max_tokens": 5}
    shown = panel(OFFER, chosen)
    assert shown == {
        "model": "kimi", "thinking": True,
        "temperature": 0.3, "top_p": 0.95, "max_tokens": 5, "streaming": True, "show_thinking": True,
        "stop": ["\\n"], "agent_name": "K", "system_prompt": "Be brief.",
    }  # fmt: skip


def test_the_switch_for_thinking_is_there_only_where_the_model_has_one() -> None:
    with_switch = {name for name, model in models().items() if "thinking" in panel(Offer(("kimi",), model, 4096), {})}
    assert with_switch == {"Kimi-VL-A3B-Thinking", "Kimi-VL-A3B-Thinking-2506", "Kimi-K2.5", "Kimi-K2.6"}
    assert panel(K25, {"thinking": False})["thinking"] is False


def test_a_server_may_have_models_with_and_without_the_switch() -> None:
    offer = Offer(("Kimi-K2.5", "Kimi-K2-Thinking", "moonshotai/Kimi-K2.6", "unknown"), K25.model, 262144)
    assert [name for name in offer.served if "thinking" in panel(offer, {"model": name})] == [
        "Kimi-K2.5", "moonshotai/Kimi-K2.6"
    ]  # fmt: skip


def test_the_mode_is_a_persons_own_and_its_defaults_are_not() -> None:
    preset = {"system_prompt": "Read."}
    instant = {"thinking": False, "temperature": 0.6, "top_p": 0.95, "system_prompt": "Read."}
    assert differing(instant, preset, K25) == {"thinking": False}
    assert differing({**instant, "temperature": 0.7}, preset, K25) == {"thinking": False, "temperature": 0.7}
    assert differing({"thinking": True, "temperature": 1.0}, {"thinking": False}, K25) == {"thinking": True}
    assert differing(instant, {"thinking": False}, K25) == {"system_prompt": "Read."}
    assert differing({"thinking": False}, {}, INSTRUCT) == {}


def test_a_preset_may_answer_at_once(own: Path) -> None:
    (own / "mine.toml").write_text('name = "Mine"\n[settings]\nthinking = false')
    settings = Presets(own).find("mine").settings
    assert (parse(settings, K25).thinking, parse(settings, K25).temperature) == (False, 0.6)
    assert parse(settings, INSTRUCT).thinking
    assert panel(K25, settings)["temperature"] == 0.6
