"""The quiet lines below an answer: what it took, and what happened on the way."""

from __future__ import annotations

import chainlit as cl

from app.page.answer.frame import Frame, note, show_note


class Footer:
    """One line about the answer, and notes about how it came."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._line: cl.Step | None = None
        self._notes: list[cl.Step] = []

    @property
    def steps(self) -> list[cl.Step]:
        """What is on the page, in its order."""
        return [*([self._line] if self._line else []), *self._notes]

    def restore(self, line: str) -> None:
        """Takes up the line of an answer of the history; empty: it has none."""
        if line:
            self._line = note(line, self._frame.parent_id)

    async def add(self, words: str) -> None:
        """Adds a note."""
        self._notes.append(await show_note(words, self._frame.parent_id))

    async def finish(self, line: str) -> None:
        """Shows the line of an answer that has ended; empty: it has none."""
        if not line:
            return
        if self._line is None:
            self._line = await show_note(line, self._frame.parent_id)
        else:
            self._line.name = line
            await self._line.update()

    async def clear(self) -> None:
        """Takes all of it off the page."""
        for step in self.steps:
            await step.remove()
        self._line, self._notes = None, []
