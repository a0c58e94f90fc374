"""Presets: ours are complete in both languages, others are read from their folder, a broken one does no harm."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from app.i18n import LANGUAGES
from app.presets import DEFAULT, Presets
from app.talk.settings import Offer, parse
from engine.catalog import find_model

OFFER = Offer(("kimi",), find_model("Kimi-VL-A3B-Thinking"), 131072)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "presets"
    folder.mkdir()
    return folder


def test_ours_are_whole_in_both_languages(tmp_path: Path) -> None:
    presets = Presets(tmp_path / "none").all()
    assert next(iter(presets)) == DEFAULT
    assert {"read-text", "describe", "find", "think-hard", "table", "formula", "receipt"} < set(presets)
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
