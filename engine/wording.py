"""Translates what the supervisor reports: a phase or a reason becomes a sentence in the user's language."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from engine.status import Phase, Reason

Language = Literal["en", "zh"]

LANGUAGES: tuple[Language, ...] = ("en", "zh")


def doing(phase: Phase, language: Language = "en") -> str:
    """What a program in this phase is doing; empty if there is nothing to report."""
    return catalogue(language)["phase"].get(phase, "")


def sentence(reason: Reason | None, language: Language = "en") -> str:
    """The reason as a sentence; empty without one. A key that is unknown, from another version, is shown as it is."""
    if reason is None:
        return ""
    words = catalogue(language)["reason"]
    try:
        said = words[reason.key].format(**reason.values)
        # Of what is tried again: since when, and how often.
        return said + words["asked_again"].format(**reason.values) if "again_every" in reason.values else said
    except (LookupError, TypeError, ValueError):
        return " ".join([reason.key, *(str(value) for value in reason.values.values())])


def report(phase: Phase, reason: Reason | None, language: Language = "en") -> str:
    """What a program is doing, or else why it is in its state; empty if there is neither."""
    return doing(phase, language) or sentence(reason, language)


@cache
def catalogue(language: Language) -> dict[str, dict[str, str]]:
    """All texts of `language`, in the tables `phase` and `reason`."""
    path = Path(__file__).parent / "locales" / f"{language}.toml"
    words: dict[str, dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return words
