"""Presets as Chainlit shows them: chat profiles, each with the starters of its empty chat."""

from __future__ import annotations

import chainlit as cl

from app.i18n import Language
from app.presets import Preset


def profile(name: str, preset: Preset, language: Language, *, chosen: bool) -> cl.ChatProfile:
    """A preset as Chainlit's chat profile; `chosen`: a new chat begins with it."""
    return cl.ChatProfile(
        name=name,
        display_name=preset.name[language],
        markdown_description=preset.description[language],
        icon=_address(preset.icon),
        default=chosen,
        starters=starters(preset, language) or None,
    )


def starters(preset: Preset, language: Language) -> list[cl.Starter]:
    """The buttons of an empty chat. The pictures that some bring come with their question (attachments.py)."""
    return [
        cl.Starter(
            label=starter.label[language],
            message=starter.message[language],
            icon=_address(starter.icon or preset.icon),
        )
        for starter in preset.starters
    ]


def _address(icon: str) -> str | None:
    return f"/public/starters/{icon}.svg" if icon else None
