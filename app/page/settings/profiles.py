"""Presets as Chainlit's chat profiles, each with the starters of an empty chat."""

from __future__ import annotations

import chainlit as cl

from app.i18n import Language, text
from app.presets import Preset


def profile(name: str, preset: Preset, language: Language, *, chosen: bool, reads: bool = False) -> cl.ChatProfile:
    """A preset as Chainlit's chat profile; a new chat begins with it if `chosen`. `reads`: the reader answers."""
    unfit = reads and preset.needs_model
    return cl.ChatProfile(
        name=name,
        display_name=preset.name[language],
        markdown_description=text("preset_unfit", language) if unfit else preset.description[language],
        icon=_address(preset.icon),
        default=chosen,
        starters=starters(preset, language) or None,
    )


def starters(preset: Preset, language: Language) -> list[cl.Starter]:
    """The starters of an empty chat. attachments.py adds the sample pictures once one is sent."""
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
