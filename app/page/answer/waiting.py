"""What the page shows about the engine during a turn: why the question waits, how fast the answer comes."""

from __future__ import annotations

import chainlit as cl
from chainlit.utils import utc_now

from app.page.answer import wording
from app.page.answer.frame import NOTE, Frame
from app.upstream.progress import Pulse
from engine.status import EngineStatus


class Waiting:
    """A line that shows what the engine is doing while the question waits for it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.step: cl.Step | None = None

    async def show(self, status: EngineStatus) -> None:
        """Updates the line if its text has changed."""
        words = wording.waiting(status, self._frame.language)
        if self.step is None:
            self.step = cl.Step(name=words, type=NOTE, show_input=False, parent_id=self._frame.parent_id)
            self.step.start = utc_now()
            await self.step.send()
        elif self.step.name != words:
            self.step.name = words
            await self.step.update()

    async def end(self) -> None:
        """Removes the line."""
        if self.step:
            await self.step.remove()
            self.step = None


class PulseLine:
    """A line above the composer with the progress of the answer (public/pulse.js)."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._words = ""

    async def show(self, pulse: Pulse | None) -> None:
        """Updates the line; None means that the answer has ended."""
        words = wording.pulse(pulse, self._frame.language) if pulse else ""
        if words or self._words:
            # Sent even if unchanged: the page removes a line that has not been refreshed for some seconds.
            self._words = words
            silent = pulse is not None and pulse.silent >= wording.SILENT_SECONDS
            await cl.context.emitter.send_window_message({"type": "kimi-pulse", "text": words, "silent": silent})
