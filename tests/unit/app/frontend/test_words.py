"""The sentences of the scripts in the browser: one catalogue with the same keys in every language, none unused."""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

import pytest

from app.frontend.patches import PATCHES
from app.frontend.words import words
from app.i18n import LANGUAGES, text
from engine.config import ROOT

PUBLIC = ROOT / "public"
SCRIPTS = {
    "page": [*PUBLIC.glob("*.js")],
    "banner": [PUBLIC / "banner.js"],
    "status": [PUBLIC / name for name in ("status.js", "status-parts.js", "status-logs.js")],
    "plan": [PUBLIC / "plan.js"],
}
"""The scripts that use each table, as `text.<key>`."""


def flat(table: dict[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in table.items():
        found |= flat(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return found


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def source_of(table: str) -> str:
    code = "".join(script.read_text(encoding="utf-8") for script in SCRIPTS[table])
    if table != "page":
        return code
    named = re.findall(r'": "(\w+)",', (PUBLIC / "names.js").read_text(encoding="utf-8"))
    return "\n".join([code, *(patch.new for patch in PATCHES), *(f"kimi.text.{word};" for word in named)])


def test_every_language_has_the_same_words_with_the_same_placeholders() -> None:
    english = {key: placeholders(sentence) for key, sentence in flat(words("en")).items()}
    assert len(english) > 100
    for language in LANGUAGES:
        assert {key: placeholders(sentence) for key, sentence in flat(words(language)).items()} == english, language


def test_chinese_words_are_chinese() -> None:
    english, chinese = flat(words("en")), flat(words("zh"))
    same = {key for key, sentence in chinese.items() if not re.search(r"[一-鿿：、]", sentence)}
    assert {chinese[key] for key in same} == {english[key] for key in same}
    assert {key.rpartition(".")[0] for key in same} <= set()


def test_a_file_of_a_wrong_type_is_told_the_same_formats_by_browser_and_server() -> None:
    for language in LANGUAGES:
        told = (words(language)["page"]["wrongType"], text("picture_unknown", language, name="a.txt"))
        assert len({tuple(re.findall(r"\b[A-Z]\w*[A-Z]\b", sentence, re.ASCII)) for sentence in told}) == 1, told


def test_every_word_that_a_script_or_a_patch_names_is_there() -> None:
    named = set(re.findall(r"kimi\.text\.(\w+)", source_of("page")))
    assert len(named) > 40
    assert named <= set(words("en")["page"])
    for table in ("banner", "status", "plan"):
        named = set(re.findall(r"\btext\.(\w+)", source_of(table)))
        assert len(named) > 5
        assert named <= set(words("en")[table]), table


@pytest.mark.parametrize("table", SCRIPTS)
def test_no_word_is_left_that_nothing_shows(table: str) -> None:
    code = source_of(table)
    by_state = {"starting", "stopping", "stopped", "failed"} if table == "banner" else {"engine", "page"}
    for key, value in words("en")[table].items():
        used = rf"\btext\.{key}\b"
        assert key in by_state or isinstance(value, dict) or re.search(used, code), f"{table}.{key}"
