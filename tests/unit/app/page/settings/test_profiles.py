"""Presets as chat profiles with their starters."""

from __future__ import annotations

from pathlib import Path

from app.i18n import LANGUAGES
from app.page.settings.profiles import profile, starters
from app.presets import DEFAULT, Presets


def test_a_starter_has_its_own_icon_or_its_presets(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "none")
    assert [starter.icon for starter in starters(presets.find(DEFAULT), "en")] == [
        f"/public/starters/{name}.svg" for name in ("text", "receipt", "table", "describe")
    ]
    assert {starter.icon for starter in starters(presets.find("receipt"), "en")} == {"/public/starters/receipt.svg"}


def test_a_profile_says_it_in_the_persons_language(tmp_path: Path) -> None:
    preset = Presets(tmp_path / "none").find("receipt")
    english, chinese = (profile("receipt", preset, language, chosen=language == "zh") for language in LANGUAGES)
    assert (english.name, english.display_name, english.default) == ("receipt", "Receipt", False)
    assert (chinese.name, chinese.display_name, chinese.default) == ("receipt", "小票", True)
    assert chinese.starters
    assert chinese.starters[0].label == "读取一张小票"
