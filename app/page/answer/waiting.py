"""What is shown of the engine while it has not said everything: why the question waits, how fast the answer comes."""

from __future__ import annotations

import chainlit as cl
from chainlit.utils import utc_now

from app.page.answer import wording
from app.page.answer.frame import NOTE, Frame
from app.upstream.progress import Pulse
from engine.status import EngineStatus


class Waiting:
    """A line that says what the engine is doing while the question waits for it."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.step: cl.Step | None = None

    async def show(self, status: EngineStatus) -> None:
        """Says it, if it is not what the page says already."""
        words = wording.waiting(status, self._frame.language)
        if self.step is None:
            self.step = cl.Step(name=words, type=NOTE, show_input=False, parent_id=self._frame.parent_id)
            self.step.start = utc_now()
            await self.step.send()
        elif self.step.name != words:
            self.step.name = words
            await self.step.update()

    async def end(self) -> None:
        """Takes the line away."""
        if self.step:
            await self.step.remove()
            self.step = None


class PulseLine:
    """A line above the composer that says how the answer goes (public/pulse.js)."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._words = ""

    async def show(self, pulse: Pulse | None) -> None:
        """Says it; None: the answer has ended."""
        words = wording.pulse(pulse, self._frame.language) if pulse else ""
        if words or self._words:
            # The same words too: a page that hears nothing for some seconds takes the line away.
            self._words = words
            silent = pulse is not None and pulse.silent >= wording.SILENT_SECONDS
            await cl.context.emitter.send_window_message({"type": "kimi-pulse", "text": words, "silent": silent})
