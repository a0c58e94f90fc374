"""What all that is shown of one turn has in common, and what any of it may have: a button, a quiet line."""

from __future__ import annotations

from dataclasses import dataclass

import chainlit as cl
from chainlit.utils import utc_now
from literalai.observability.step import TrueStepType

from app.i18n import Language
from app.page.answer.buttons import Name, Offered, offer

NOTE: TrueStepType = "undefined"
"""The type of step that holds a quiet line; the style sheet makes it small and takes its avatar away."""


@dataclass
class Frame:
    """Which turn it is, below which step everything belongs, and in whose name it is said."""

    turn_id: str
    parent_id: str
    language: Language
    author: str

    def action(self, name: Name) -> cl.Action:
        """A button of this turn."""
        return action_of(offer(name, self.turn_id, self.language))


def action_of(offered: Offered) -> cl.Action:
    """A button as Chainlit sends it; the front end (app/frontend/patches/features.py) reads `whileRunning`."""
    button = offered.button
    return cl.Action(
        name=button.name,
        payload={"turn": offered.turn_id, "whileRunning": button.while_running},
        label=offered.label,
        tooltip=offered.hint,
        icon=button.icon,
    )


def note(words: str, parent_id: str | None) -> cl.Step:
    """A quiet line of its own, to be sent below `parent_id`."""
    step = cl.Step(name=words, type=NOTE, show_input=False, parent_id=parent_id)
    step.start = step.end = utc_now()
    return step


async def show_note(words: str, parent_id: str | None) -> cl.Step:
    """Sends a quiet line."""
    step = note(words, parent_id)
    await step.send()
    return step
