"""Who reads a sentence: what names a command, a setting or the reason of a fault is for admins only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from string import Formatter

import pytest

from app.frontend.words import words
from app.i18n import LANGUAGES, Language, catalogue, for_admins, text
from app.page.answer import wording
from app.status.overview import shown
from app.turn.faults import Fault
from engine.config import ROOT
from engine.reader.answering import texts
from engine.status import EngineStatus, Phase, Reason
from engine.wording import catalogue as reports
from engine.wording import sentence as said
from tests.unit.app.frontend.test_words import flat

FOR_ADMINS = re.compile(r"\./start\.sh|\b(KIMI|OPENAI|CHAINLIT|HF)_[A-Z]|\.env\b|\bmcp\.json\b|\w\.log\b|\s--[a-z]")
"""Commands, settings, and files of the machine."""
ADMINS_PAGES = {"status", "plan"}
"""The tables of the browser's words that only admins see (app/status/guard.py)."""
TOLD_TO_ALL = {"tool_server_away", "tools_not_running", "tool_unknown", "tool_slow", "tool_failed"}
"""Reasons that are the result of a tool, which a chat shows to its user and to the model."""


def sentences(language: Language) -> Iterator[tuple[str, str]]:
    """All that the page can show to anyone, by key."""
    yield from catalogue(language).items()
    yield from flat({table: found for table, found in words(language).items() if table not in ADMINS_PAGES}).items()
    file = "en-US" if language == "en" else "zh-CN"
    yield from flat(json.loads((ROOT / ".chainlit" / "translations" / f"{file}.json").read_text("utf-8"))).items()
    yield from ((key, words) for key, words in reports(language)["reason"].items() if key in TOLD_TO_ALL)
    yield from reports(language)["phase"].items()
    yield from ((f"reader.{key}", both[language == "zh"]) for key, both in texts._TEXTS.items())


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_for_everyone_names_a_command_or_a_setting(language: Language) -> None:
    found = dict(sentences(language))
    assert len(found) > 300
    assert {key: sentence for key, sentence in found.items() if FOR_ADMINS.search(sentence)} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_admins_are_told_instead_is_worth_it(language: Language) -> None:
    named = {key for key, sentence in for_admins(language).items() if FOR_ADMINS.search(sentence)}
    assert named | {"engine_failed"} == set(for_admins(language)) == set(for_admins("en"))
    assert set(for_admins(language)) <= set(catalogue(language))


def values_of(sentence: str) -> dict[str, str | int | float]:
    """A value for each placeholder, a number where it is formatted as one."""
    return {name: 7 if form else "./start.sh secret" for _, name, form, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_reason_of_a_fault_is_for_admins(language: Language) -> None:
    told = set()
    for key, sentence in reports(language)["reason"].items():
        reason = Reason(key, values_of(sentence))
        fault = Fault("engine_failed", {"reason": reason})
        status = EngineStatus(state="failed", phase=Phase.NONE, reason=reason)
        for words_of_it in (wording.fault(fault, language), shown(status, language, admin=False)["phase"]):
            told.add(words_of_it)
            assert not FOR_ADMINS.search(words_of_it)
        assert said(reason, language) in wording.fault(fault, language, admin=True)
        assert said(reason, language) == shown(status, language)["phase"]
    assert len(told) == 2, "each the same, whatever the reason"


def test_everyone_reads_how_far_a_start_is() -> None:
    status = EngineStatus(state="starting", phase=Phase.DOWNLOADING)
    assert shown(status, "en", admin=False)["phase"] == shown(status, "en")["phase"] == "downloading the model"


def test_an_admin_gets_the_sentence_for_admins() -> None:
    assert "./start.sh logs app" in text("not_saved", "en", True)
    assert "the person who runs this page" in text("not_saved", "en")
    assert text("busy", "en", True) == text("busy", "en")


def test_chinese_sentences_have_chinese_marks() -> None:
    assert {key: words for key, words in sentences("zh") if re.search(r"[一-鿿][,;:?!]", words)} == {}
