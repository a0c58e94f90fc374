"""The message, in red, that says why a question has no answer or only half of one."""

from __future__ import annotations

import chainlit as cl
from chainlit.utils import utc_now

from app.i18n import text
from app.page.answer import wording
from app.page.answer.buttons import to_versions
from app.page.answer.frame import Frame, action_of
from app.turn.faults import Fault

Place = tuple[int, int]
"""The version of a question, and how many there are."""


class FaultMessage:
    """What went wrong, with Retry where that may help, and buttons to the other versions of the question."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.message: cl.Message | None = None

    def restore(self, place: Place) -> None:
        """Reports that a question from the history has no answer."""
        self.message = self._new(text("unanswered", self._frame.language), place, retry=True)
        self.message.created_at = utc_now()

    def actions(self) -> list[cl.Action]:
        """Its buttons, for a page that receives the whole turn at once."""
        if self.message is None:
            return []
        for action in self.message.actions:
            action.forId = self.message.id
        return self.message.actions

    async def show(self, fault: Fault, place: Place) -> None:
        """Says what went wrong."""
        words = wording.fault(fault, self._frame.language, admin=self._frame.admin)
        self.message = self._new(words, place, retry=fault.retry)
        await self.message.send()

    async def renew_buttons(self, place: Place) -> None:
        """Rebuilds its buttons after the question got another version."""
        if self.message is None:
            return
        for action in self.message.actions:
            await action.remove()
        self.message.actions = self._buttons(place, retry=True)
        for action in self.message.actions:
            await action.send(for_id=self.message.id)

    async def remove(self) -> None:
        """Removes the message from the page."""
        if self.message:
            await self.message.remove()
            self.message = None

    def _new(self, words: str, place: Place, *, retry: bool) -> cl.Message:
        message = cl.Message(content=words, author=self._frame.author, parent_id=self._frame.parent_id)
        message.is_error = True
        message.actions = self._buttons(place, retry=retry)
        return message

    def _buttons(self, place: Place, *, retry: bool) -> list[cl.Action]:
        again = [self._frame.action("retry")] if retry else []
        return again + [action_of(one) for one in to_versions(self._frame.turn_id, place, self._frame.language)]
