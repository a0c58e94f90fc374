"""The small grey lines below an answer: its figures, and what happened while it was written."""

from __future__ import annotations

import chainlit as cl

from app.page.answer.frame import Frame, note, show_note


class Footer:
    """One line with the answer's figures, and notes about what happened."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._line: cl.Step | None = None
        self._notes: list[cl.Step] = []

    @property
    def steps(self) -> list[cl.Step]:
        """The steps on the page, in their order."""
        return [*([self._line] if self._line else []), *self._notes]

    def restore(self, line: str) -> None:
        """Shows the line of an answer from the history; empty means none."""
        if line:
            self._line = note(line, self._frame.parent_id)

    async def add(self, words: str) -> None:
        """Adds a note."""
        self._notes.append(await show_note(words, self._frame.parent_id))

    async def finish(self, line: str) -> None:
        """Shows the line of an answer that has ended; empty means none."""
        if not line:
            return
        if self._line is None:
            self._line = await show_note(line, self._frame.parent_id)
        else:
            self._line.name = line
            await self._line.update()

    async def clear(self) -> None:
        """Removes everything from the page."""
        for step in self.steps:
            await step.remove()
        self._line, self._notes = None, []
