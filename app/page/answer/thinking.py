"""The step that shows the reasoning, and the button that cuts it short."""

from __future__ import annotations

import time

import chainlit as cl
from chainlit.utils import utc_now

from app.i18n import text
from app.page.answer import wording
from app.page.answer.frame import Frame
from app.talk.conversation import Answer
from engine.engines.reader import NAME as READER


class Thinking:
    """Open while reasoning arrives, folded once the answer begins."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.wanted = True
        """Whether the user wants to see reasoning."""
        self.reads = False
        """Whether the reader answers: it reports what it reads, and does not think."""
        self.can_be_cut = False
        """Whether the engine supports ending the reasoning early."""
        self.step: cl.Step | None = None
        self._opened = 0.0
        """When the step was opened last, by the monotonic clock."""
        self.answer_now: cl.Action | None = None
        """The button, while it is on the page."""

    def restore(self, answer: Answer) -> None:
        """Shows the reasoning of an answer from the history."""
        self._see(answer)
        if self.wanted and answer.reasoning:
            self.step = self._new()
            self.step.default_open = False
            self.step.output = answer.reasoning
            self.step.start = self.step.end = utc_now()
            self.step.name = self._ended(answer.seconds_thinking, stopped=_stopped(answer))

    async def begin(self, answer: Answer) -> None:
        """Goes back to what `answer` has so far."""
        if self.step and self.step.output != answer.reasoning:
            self.step.output = answer.reasoning
            await self.step.update()

    async def think(self, words: str) -> None:
        """Appends some reasoning."""
        if not self.wanted:
            return
        if self.step is None:
            self.step = self._new()
            self.step.start = utc_now()
            self._opened = time.monotonic()
            await self.step.send()
        elif self.step.end:
            self._opened = time.monotonic()
            self.step.name = wording.thinks(self._frame.language, reads=self.reads)
            self.step.end = None
            await self.step.update()
        if self.can_be_cut and self.answer_now is None:
            self.answer_now = self._frame.action("answer_now")
            await self.answer_now.send(for_id=self.step.id)
        await self.step.stream_token(words)

    async def fold(self) -> None:
        """Closes the step, with the time since it last opened: what `finish` shows may include earlier stretches."""
        if self.step and not self.step.end:
            await self._end(time.monotonic() - self._opened)

    async def finish(self, answer: Answer) -> None:
        """Shows the reasoning of an answer that has ended."""
        self._see(answer)
        if self.step is None and answer.reasoning:
            await self.think(answer.reasoning)
        if self.step:
            self.step.output = answer.reasoning
            await self._end(answer.seconds_thinking, _stopped(answer))
            if not answer.reasoning:
                # The step stays where it is, for other answers to the same question.
                self.step.name = text("thought_none", self._frame.language)
                await self.step.update()

    def _see(self, answer: Answer) -> None:
        if answer.figures:
            self.reads = answer.figures.model == READER

    def _ended(self, seconds: float | None, *, stopped: bool) -> str:
        return wording.thought(seconds, stopped, self._frame.language, reads=self.reads)

    async def _end(self, seconds: float | None, stopped: bool = False) -> None:
        assert self.step
        # Detached before the first await: `resend` may send the turn again in between.
        answer_now, self.answer_now = self.answer_now, None
        if answer_now:
            await answer_now.remove()
        self.step.end = self.step.end or utc_now()
        self.step.name = self._ended(seconds, stopped=stopped)
        await self.step.update()

    def _new(self) -> cl.Step:
        return cl.Step(
            name=wording.thinks(self._frame.language, reads=self.reads),
            type="tool",
            show_input=False,
            default_open=True,
            auto_collapse=True,
            parent_id=self._frame.parent_id,
        )


def _stopped(answer: Answer) -> bool:
    return answer.ending == "stopped" and answer.in_reasoning
