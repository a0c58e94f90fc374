"""The buttons below an answer that has ended."""

from __future__ import annotations

from collections.abc import Sequence

import chainlit as cl

from app.page.answer.buttons import below
from app.page.answer.frame import Frame, action_of
from app.talk.conversation import Answer, Picture, Turn


class ButtonRow:
    """One row for the answer that is shown."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.actions: list[cl.Action] = []
        self.asked: Sequence[Sequence[Picture]] = ()
        """The pictures of the turn's question and of those before it."""

    def make(self, turn: Turn, answer: Answer, place: tuple[int, int], for_id: str) -> None:
        """Makes the buttons below the message `for_id`; `place` is the question's version, and how many there are."""
        offered = below(turn, answer, place, self._frame.language, self.asked)
        self.actions = [action_of(one) for one in offered]
        for action in self.actions:
            action.forId = for_id

    async def show(self, turn: Turn, answer: Answer, place: tuple[int, int], for_id: str) -> None:
        """Replaces the buttons on the page."""
        await self.remove()
        self.make(turn, answer, place, for_id)
        for action in self.actions:
            await action.send(for_id=for_id)

    async def remove(self) -> None:
        """Removes the buttons from the page."""
        for action in self.actions:
            await action.remove()
        self.actions = []
