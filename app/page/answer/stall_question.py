"""The question whether to keep waiting for a silent engine."""

from __future__ import annotations

import chainlit as cl

from app.i18n import text
from app.page.answer.buttons import WHEN_STALLED
from app.page.answer.frame import Frame


class StallQuestion:
    """Asked below the answer so far, with a button for each choice."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.message: cl.Message | None = None

    @property
    def actions(self) -> list[cl.Action]:
        """Its buttons, while it is on the page."""
        return self.message.actions if self.message else []

    async def ask(self, seconds: float) -> None:
        """Asks, or updates how long the engine has been silent."""
        words = text("stalled", self._frame.language, seconds=int(seconds))
        if self.message:
            self.message.content = words
            await self.message.update()
            return
        # A message, because a step without content has no buttons.
        self.message = cl.Message(content=words, type="system_message", parent_id=self._frame.parent_id)
        self.message.actions = [self._frame.action(name) for name in WHEN_STALLED]
        await self.message.send()

    async def take_back(self) -> None:
        """Removes the question from the page."""
        # Detached before the first await: `resend` may send the turn again in between.
        message, self.message = self.message, None
        if message:
            for action in message.actions:
                await action.remove()
            await message.remove()
