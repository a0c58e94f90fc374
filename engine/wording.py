"""Translates what the supervisor reports: a phase or a reason becomes a sentence in the user's language."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal

from engine.status import Phase, Reason

Language = Literal["en", "zh"]

LANGUAGES: tuple[Language, ...] = ("en", "zh")


class Said(str):
    """A sentence in English that is also known in the other languages; anything else that takes a text takes it."""

    __slots__ = ("others",)
    others: dict[str, str]
    """The same by language."""


def said(key: str, **values: object) -> Said:
    """The sentence `key` about a plan, with its values, which may be sentences themselves."""

    def in_one(language: Language) -> str:
        own = {
            name: in_language(value, language) if isinstance(value, str) else value for name, value in values.items()
        }
        return catalogue(language)["plan"][key].format(**own)

    return both(in_one("en"), in_one("zh"))


def both(english: str, chinese: str) -> Said:
    """A sentence that the catalogue has in both languages."""
    text = Said(english)
    text.others = {"zh": chinese or english}
    return text


def in_language(text: str, language: Language) -> str:
    """The text in this language, if it is known in it; otherwise as it is."""
    return text.others.get(language, text) if isinstance(text, Said) else text


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
