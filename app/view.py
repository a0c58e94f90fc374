"""How a turn is shown in Chainlit: the Thinking step, the answer, the quiet line below it, and its buttons.

An object of this module belongs to one turn and stays with it: another answer to the same question is written into the
same step and the same message, so that the order on the page never changes.
"""

from __future__ import annotations

import chainlit as cl
from chainlit.utils import utc_now
from literalai.observability.step import TrueStepType

from app import wording
from app.conversation import Answer, Turn
from app.errors import Fault
from app.fitting import Fit
from app.i18n import Language, text
from app.settings import ChatSettings
from engine.marks import Kind, Piece
from engine.status import EngineStatus

NOTE: TrueStepType = "undefined"
"""The type of step that holds a quiet line; the style sheet makes it small and takes its avatar away."""


async def show_note(words: str, parent_id: str | None) -> cl.Step:
    """A quiet line of its own, below `parent_id`."""
    step = cl.Step(name=words, type=NOTE, show_input=False, parent_id=parent_id)
    step.start = step.end = utc_now()
    await step.send()
    return step


class AnswerView:
    """The answers to one question as a person sees them."""

    def __init__(self, turn_id: str, parent_id: str | None, language: Language, author: str) -> None:
        self._turn_id = turn_id
        self._parent_id = parent_id
        self._language: Language = language
        self._author = author
        self._show_thinking = True
        self._can_answer_now = False
        self._answer_now: cl.Action | None = None
        self._thinking: cl.Step | None = None
        self._message: cl.Message | None = None
        self._line: cl.Step | None = None
        self._waiting: cl.Step | None = None
        self._notes: list[cl.Step] = []
        self._fault: cl.Message | None = None
        self._actions: list[cl.Action] = []

    # What a running turn tells (turn.View).

    async def waiting(self, status: EngineStatus) -> None:
        """Says what the engine is doing while the question waits for it."""
        words = wording.waiting(status, self._language)
        if self._waiting is None:
            self._waiting = cl.Step(name=words, type=NOTE, show_input=False, parent_id=self._parent_id)
            self._waiting.start = utc_now()
            await self._waiting.send()
        elif self._waiting.name != words:
            self._waiting.name = words
            await self._waiting.update()

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        """Ends the waiting, and says what is not sent along."""
        await self._stop_waiting()
        self._can_answer_now = can_answer_now
        self._show_thinking = settings.show_thinking
        if settings.agent_name:
            self._author = settings.agent_name
        if words := wording.left_out(fitted, self._language):
            self._notes.append(await show_note(words, self._parent_id))

    async def interrupted(self) -> None:
        """Says that the engine was lost and that the answer goes on."""
        self._notes.append(await show_note(text("interrupted", self._language), self._parent_id))

    async def show(self, piece: Piece) -> None:
        """Puts a frame of text on the page."""
        match piece.kind:
            case Kind.REASONING:
                await self._think(piece.text)
            case Kind.ANSWER:
                await self._say(piece.text)
            case Kind.RETRACT:
                await self._retract()

    # What happens around it.

    async def begin(self, answer: Answer) -> None:
        """Gets ready for more of `answer`: its buttons and its line go, and an empty one clears the page."""
        await self._remove_buttons()
        for step in (self._line, *self._notes):
            if step:
                await step.remove()
        self._line, self._notes = None, []
        if self._fault:
            await self._fault.remove()
            self._fault = None
        if self._thinking and self._thinking.output != answer.reasoning:
            self._thinking.output = answer.reasoning
            await self._thinking.update()
        if self._message and self._message.content != answer.text:
            self._message.content = answer.text
            await self._message.update()

    async def finish(self, turn: Turn, fault: Fault | None = None) -> None:
        """Shows the turn's answer as it stands now, with its line and its buttons, and what went wrong."""
        await self._stop_waiting()
        answer = turn.answer
        if answer and not (answer.empty and fault):
            await self._show_answer(answer)
            await self._show_buttons(turn, answer)
        elif self._message:
            await self._message.remove()
            self._message = None
        if fault:
            await self._show_fault(fault)

    async def resend(self) -> None:
        """Sends again what is there so far, to a browser that was away."""
        for step in (self._waiting, self._thinking, self._message):
            if step:
                await cl.context.emitter.send_step(step.to_dict())

    async def remove(self) -> None:
        """Takes everything off the page: the question was edited."""
        await self._stop_waiting()
        await self._remove_buttons()
        for message in (self._message, self._fault):
            if message:
                await message.remove()
        for step in (self._thinking, self._line, *self._notes):
            if step:
                await step.remove()

    async def _think(self, words: str) -> None:
        if not self._show_thinking:
            return
        if self._thinking is None:
            self._thinking = cl.Step(
                name=text("thinking", self._language),
                type="tool",
                show_input=False,
                default_open=True,
                auto_collapse=True,
                parent_id=self._parent_id,
            )
            self._thinking.start = utc_now()
            await self._thinking.send()
        elif self._thinking.end:
            self._thinking.name = text("thinking", self._language)
            self._thinking.end = None
            await self._thinking.update()
        if self._can_answer_now and self._answer_now is None:
            self._answer_now = wording.button("answer_now", self._turn_id, self._language)
            await self._answer_now.send(for_id=self._thinking.id)
        await self._thinking.stream_token(words)

    async def _say(self, words: str) -> None:
        if self._message is None:
            self._message = cl.Message(content=words, author=self._author, parent_id=self._parent_id)
            await self._message.send()
        else:
            self._message.author = self._author
            await self._message.stream_token(words)
        if self._thinking and not self._thinking.end:
            # Folds the step; its name gets the time once the answer is there.
            await self._end_thinking(None)

    async def _retract(self) -> None:
        said = self._message.content if self._message else ""
        if self._message:
            self._message.content = ""
            await self._message.update()
        await self._think(said)

    async def _end_thinking(self, seconds: float | None, stopped: bool = False) -> None:
        if self._answer_now:
            await self._answer_now.remove()
            self._answer_now = None
        if self._thinking is None:
            return
        self._thinking.end = self._thinking.end or utc_now()
        self._thinking.name = wording.thought(seconds, stopped, self._language)
        await self._thinking.update()

    async def _show_answer(self, answer: Answer) -> None:
        if self._show_thinking and self._thinking is None and answer.reasoning:
            await self._think(answer.reasoning)
        if self._thinking:
            self._thinking.output = answer.reasoning
            await self._end_thinking(answer.seconds_thinking, answer.ending == "stopped" and answer.in_reasoning)
        words = answer.text or wording.no_answer(answer, self._language)
        if self._message is None:
            self._message = cl.Message(content=words, author=self._author, parent_id=self._parent_id)
            await self._message.send()
        else:
            self._message.content = words
            await self._message.update()
        if answer.line:
            if self._line is None:
                self._line = await show_note(answer.line, self._parent_id)
            else:
                self._line.name = answer.line
                await self._line.update()

    async def _show_buttons(self, turn: Turn, answer: Answer) -> None:
        await self._remove_buttons()
        assert self._message
        self._actions = wording.buttons(turn, answer, self._language)
        for action in self._actions:
            await action.send(for_id=self._message.id)

    async def _remove_buttons(self) -> None:
        for action in self._actions:
            await action.remove()
        self._actions = []

    async def _show_fault(self, fault: Fault) -> None:
        words = text(fault.key, self._language, **fault.values)
        self._fault = cl.Message(content=words, author=self._author, parent_id=self._parent_id)
        self._fault.is_error = True
        if fault.retry:
            self._fault.actions = [wording.button("retry", self._turn_id, self._language)]
        await self._fault.send()

    async def _stop_waiting(self) -> None:
        if self._waiting:
            await self._waiting.remove()
            self._waiting = None
