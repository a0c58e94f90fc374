"""What all parts of a turn on the page share, and the two things that any of them may add: a button, a note."""

from __future__ import annotations

from dataclasses import dataclass

import chainlit as cl
from chainlit.utils import utc_now
from literalai.observability.step import TrueStepType

from app.i18n import Language
from app.page.answer.buttons import Name, Offered, offer
from app.talk.conversation import new_id

NOTE: TrueStepType = "undefined"
"""The type of step that holds a note; the style sheet makes it small and hides its avatar."""


@dataclass
class Frame:
    """The turn, the step that everything goes below, and the author that is shown."""

    turn_id: str
    parent_id: str
    language: Language
    author: str
    admin: bool = False
    """Whether an admin reads it."""

    def action(self, name: Name) -> cl.Action:
        """A button of this turn."""
        return action_of(offer(name, self.turn_id, self.language))


def action_of(offered: Offered) -> cl.Action:
    """A button as Chainlit sends it; the front end (app/frontend/patches/features.py) reads `whileRunning`."""
    button = offered.button
    return cl.Action(
        # The style sheet knows a button by its name, of which the page has nothing else.
        id=f"{button.name}-{new_id()}",
        name=button.name,
        payload={"turn": offered.turn_id, "whileRunning": button.while_running},
        label=offered.label,
        tooltip=offered.hint,
        icon=button.icon,
    )


def note(words: str, parent_id: str | None) -> cl.Step:
    """A note, a small grey line, to be sent below `parent_id`."""
    step = cl.Step(name=words, type=NOTE, show_input=False, parent_id=parent_id)
    step.start = step.end = utc_now()
    return step


async def show_note(words: str, parent_id: str | None) -> cl.Step:
    """Sends a note."""
    step = note(words, parent_id)
    await step.send()
    return step
