"""The starters of an empty chat. Some bring a sample picture, which Chainlit's starters cannot carry themselves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import chainlit as cl

from app.i18n import LANGUAGES, Language, text

_SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """A starter: its key in the locales, its icon, and the picture that it brings."""

    key: str
    icon: str
    picture: str


STARTERS = (
    Sample("starter_sign", "text", "sign.png"),
    Sample("starter_receipt", "receipt", "receipt.png"),
    Sample("starter_table", "table", "table.png"),
    Sample("starter_text", "describe", "page.png"),
)


def starters(language: Language) -> list[cl.Starter]:
    """The buttons of an empty chat."""
    return [
        cl.Starter(
            label=text(sample.key, language),
            message=text(f"{sample.key}_message", language),
            icon=f"/public/starters/{sample.icon}.svg",
        )
        for sample in STARTERS
    ]


def sample_for(question: str) -> Path | None:
    """The sample picture that belongs to a starter's question; None for any other question."""
    for sample in STARTERS:
        if question in {text(f"{sample.key}_message", language) for language in LANGUAGES}:
            return _SAMPLES / sample.picture
    return None
