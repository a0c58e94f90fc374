"""The server's own sentences."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from app.i18n import LANGUAGES, Language, catalogue, language_of, text
from engine.config import ROOT


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_language_has_every_key_with_the_same_placeholders() -> None:
    english = {key: placeholders(sentence) for key, sentence in catalogue("en").items()}
    for language in LANGUAGES:
        assert {key: placeholders(sentence) for key, sentence in catalogue(language).items()} == english, language


def test_chinese_sentences_are_chinese() -> None:
    untranslated = {
        key
        for key, sentence in catalogue("zh").items()
        if re.search(r"[A-Za-z]{3}", sentence) and not re.search(r"[一-鿿]", sentence)
    }
    same = {key for key in untranslated if catalogue("zh")[key] == catalogue("en")[key]}
    assert untranslated == same, "neither Chinese nor a name that both languages share"


def test_every_key_that_the_code_names_is_there() -> None:
    named = set()
    for module in (ROOT / "app").rglob("*.py"):
        named |= set(re.findall(r'\btext\(\s*"([a-z_]+)"', module.read_text(encoding="utf-8")))
    assert named, "the pattern finds the calls no more"
    assert named <= set(catalogue("en"))


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (None, "en"),
        ("", "en"),
        ("en-US", "en"),
        ("zh-CN", "zh"),
        ("zh", "zh"),
        ("ZH-hant-TW", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.8, zh-CN;q=0.9", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        # The front end shows English to a German, whatever comes second.
        ("de-DE,zh;q=0.9", "en"),
        ("*", "en"),
        ("zh;q=nonsense", "en"),
        ("zha", "en"),
    ],
)
def test_the_language_that_a_browser_asks_for_first_counts(languages: str | None, expected: Language) -> None:
    assert language_of(languages) == expected


def test_a_sentence_takes_its_values() -> None:
    assert text("thought_for", "en", seconds=3) == "Thought for 3 s"
    assert text("thought_for", "zh", seconds=3) == "思考了 3 秒"
    with pytest.raises(KeyError):
        text("thought_for", "en")
    with pytest.raises(KeyError):
        text("no such sentence", "en")
