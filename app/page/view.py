"""How a turn is shown in Chainlit: the Thinking step, the answer, the quiet line below it, and its buttons.

An object of this module belongs to one turn and stays with it: another answer to the same question is written into the
same step and the same message, so that the order on the page never changes.
"""

from __future__ import annotations

import chainlit as cl
from chainlit.step import StepDict
from chainlit.types import FeedbackDict
from chainlit.utils import utc_now
from literalai.observability.step import TrueStepType

from app.i18n import Language, text
from app.page import wording
from app.talk.conversation import Answer, Turn
from app.talk.fitting import Fit
from app.talk.footer import footer
from app.talk.settings import ChatSettings
from app.turn.faults import Fault
from app.upstream.progress import Pulse
from engine.reasoning_tags import Kind, Piece
from engine.status import EngineStatus

NOTE: TrueStepType = "undefined"
"""The type of step that holds a quiet line; the style sheet makes it small and takes its avatar away."""


async def show_note(words: str, parent_id: str | None) -> cl.Step:
    """A quiet line of its own, below `parent_id`."""
    step = _note(words, parent_id)
    await step.send()
    return step


def feedback_of(answer: Answer) -> FeedbackDict | None:
    """What its reader thought of an answer, as Chainlit writes it; its id is the answer's."""
    if answer.feedback is None:
        return None
    return {"id": answer.id, "forId": "", "value": answer.feedback, "comment": answer.comment or None}


class AnswerView:
    """The answers to one question as a person sees them."""

    def __init__(self, turn_id: str, parent_id: str, language: Language, author: str) -> None:
        self._turn_id = turn_id
        self.parent_id = parent_id
        self.place = (1, 1)
        """Which version of its question this is, and of how many."""
        self._language: Language = language
        self._author = author
        self._show_thinking = True
        self._running = False
        self._can_answer_now = False
        self._answer_now: cl.Action | None = None
        self._thinking: cl.Step | None = None
        self._message: cl.Message | None = None
        self._line: cl.Step | None = None
        self._waiting: cl.Step | None = None
        self._stalled: cl.Message | None = None
        self._pulse = ""
        self._notes: list[cl.Step] = []
        self._fault: cl.Message | None = None
        self._actions: list[cl.Action] = []

    # A turn of the history.

    def restore(self, turn: Turn, *, show_thinking: bool, awaited: bool = False) -> None:
        """Takes a turn up as if it had been shown here; `steps` and `buttons` are then what the page gets.

        `awaited`: another session may be about to answer it, so that nothing is said if there is no answer yet.
        """
        self._show_thinking = show_thinking
        answer = turn.answer
        if answer is None and awaited:
            return
        if answer is None:
            self._fault = self._fault_message(text("unanswered", self._language), retry=True)
            self._fault.created_at = utc_now()
            return
        if show_thinking and answer.reasoning:
            self._thinking = self._thinking_step()
            self._thinking.default_open = False
            self._thinking.output = answer.reasoning
            self._thinking.start = self._thinking.end = utc_now()
            stopped = answer.ending == "stopped" and answer.in_reasoning
            self._thinking.name = wording.thought(answer.seconds_thinking, stopped, self._language)
        words = answer.text or wording.no_answer(answer, self._language)
        self._message = cl.Message(content=words, author=self._author, parent_id=self.parent_id, created_at=utc_now())
        if line := footer(answer, self._language):
            self._line = _note(line, self.parent_id)

    def steps(self) -> list[StepDict]:
        """What of this turn is on the page, below its question."""
        shown = (
            self._waiting, self._thinking, self._message, self._stalled, self._line, *self._notes, self._fault
        )  # fmt: skip
        return [step.to_dict() for step in shown if step]

    def feedback(self, turn: Turn) -> FeedbackDict | None:
        """What its reader thought of the answer that is shown."""
        return feedback_of(turn.answer) if turn.answer else None

    @property
    def running(self) -> bool:
        """Whether the answer is being given at this moment."""
        return self._running

    def buttons(self, turn: Turn) -> list[cl.Action]:
        """The buttons below `steps`, for a page that gets the turn as a whole; a running turn has its own."""
        if turn.answer and self._message and not self._running:
            self._make_buttons(turn, turn.answer, self._message.id)
        on_fault = self._fault.actions if self._fault else []
        for action in on_fault:
            action.forId = self._fault.id if self._fault else None
        return [*self._actions, *on_fault]

    # What a running turn tells (turn.View).

    async def waiting(self, status: EngineStatus) -> None:
        """Says what the engine is doing while the question waits for it."""
        words = wording.waiting(status, self._language)
        if self._waiting is None:
            self._waiting = cl.Step(name=words, type=NOTE, show_input=False, parent_id=self.parent_id)
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
            self._notes.append(await show_note(words, self.parent_id))

    async def interrupted(self) -> None:
        """Says that the engine was lost and that the answer goes on."""
        self._notes.append(await show_note(text("interrupted", self._language), self.parent_id))

    async def pulse(self, pulse: Pulse | None) -> None:
        """Says on one line above the composer how the answer goes (public/pulse.js)."""
        words = wording.pulse(pulse, self._language) if pulse else ""
        if words or self._pulse:
            # The same words too: a page that hears nothing for some seconds takes the line away.
            self._pulse = words
            silent = pulse is not None and pulse.silent >= wording.SILENT_SECONDS
            await cl.context.emitter.send_window_message({"type": "kimi-pulse", "text": words, "silent": silent})

    async def stalled(self, seconds: float | None) -> None:
        """Asks below what is there whether a silent engine is to be waited for; None: takes the question back."""
        if seconds is None:
            await self._stop_asking()
            return
        words = text("stalled", self._language, seconds=int(seconds))
        if self._stalled:
            self._stalled.content = words
            await self._stalled.update()
            return
        # A message, for a step without content has no buttons.
        self._stalled = cl.Message(content=words, type="system_message", parent_id=self.parent_id)
        self._stalled.actions = [wording.button(n, self._turn_id, self._language) for n in wording.WHEN_STALLED]
        await self._stalled.send()

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
        self._running = True
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
        self._running = False
        await self._stop_waiting()
        await self._stop_asking()
        answer = turn.answer
        if answer and not (answer.empty and fault):
            await self._show_answer(answer)
            await self._show_feedback(answer)
            await self._show_buttons(turn, answer)
        elif self._message:
            await self._message.remove()
            self._message = None
        if fault:
            await self._show_fault(fault)

    async def show_again(self, turn: Turn) -> None:
        """Shows the turn as it is now: another session has changed it."""
        if turn.answer and not (turn.answer.empty and turn.answer.ending == "error"):
            await self.begin(turn.answer)
            await self.finish(turn)
        elif self._fault:
            for action in self._fault.actions:
                await action.remove()
            self._fault.actions = self._fault_buttons(retry=True)
            for action in self._fault.actions:
                await action.send(for_id=self._fault.id)

    async def resend(self) -> None:
        """Sends again what is there so far, to a browser that was away."""
        for step in (self._waiting, self._thinking, self._message, self._stalled):
            if step:
                await cl.context.emitter.send_step(step.to_dict())
        for action in self._offered():
            # The page adds whatever it is sent, also what it has already.
            await action.remove()
            if action.forId and action in self._offered():
                await action.send(for_id=action.forId)

    async def _remove_buttons(self) -> None:
        for action in self._actions:
            await action.remove()
        self._actions = []

    def _offered(self) -> list[cl.Action]:
        """The buttons that a running turn has on the page."""
        now = [self._answer_now] if self._answer_now else []
        return now + (self._stalled.actions if self._stalled else [])

    def _thinking_step(self) -> cl.Step:
        return cl.Step(
            name=text("thinking", self._language),
            type="tool",
            show_input=False,
            default_open=True,
            auto_collapse=True,
            parent_id=self.parent_id,
        )

    async def _think(self, words: str) -> None:
        if not self._show_thinking:
            return
        if self._thinking is None:
            self._thinking = self._thinking_step()
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
            self._message = cl.Message(content=words, author=self._author, parent_id=self.parent_id)
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
        answer_now, self._answer_now = self._answer_now, None
        if answer_now:
            await answer_now.remove()
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
            self._message = cl.Message(content=words, author=self._author, parent_id=self.parent_id)
            await self._message.send()
        else:
            self._message.content = words
            await self._message.update()
        if line := footer(answer, self._language):
            if self._line is None:
                self._line = await show_note(line, self.parent_id)
            else:
                self._line.name = line
                await self._line.update()

    async def _show_buttons(self, turn: Turn, answer: Answer) -> None:
        await self._remove_buttons()
        assert self._message
        self._make_buttons(turn, answer, self._message.id)
        for action in self._actions:
            await action.send(for_id=self._message.id)

    def _make_buttons(self, turn: Turn, answer: Answer, for_id: str) -> None:
        self._actions = wording.buttons(turn, answer, self._language)
        self._actions += wording.version_buttons(turn.id, self.place, self._language)
        for action in self._actions:
            action.forId = for_id

    async def _show_fault(self, fault: Fault) -> None:
        words = text(fault.key, self._language, **fault.values)
        self._fault = self._fault_message(words, retry=fault.retry)
        await self._fault.send()

    def _fault_message(self, words: str, *, retry: bool) -> cl.Message:
        message = cl.Message(content=words, author=self._author, parent_id=self.parent_id)
        message.is_error = True
        message.actions = self._fault_buttons(retry=retry)
        return message

    def _fault_buttons(self, *, retry: bool) -> list[cl.Action]:
        again = [wording.button("retry", self._turn_id, self._language)] if retry else []
        return again + wording.version_buttons(self._turn_id, self.place, self._language)

    async def _show_feedback(self, answer: Answer) -> None:
        # Chainlit's frame around the answer has it; what is not named here stays as it is.
        await cl.context.emitter.emit("update_message", {"id": self.parent_id, "feedback": feedback_of(answer)})

    async def _stop_asking(self) -> None:
        # At once no more of the turn: `resend` may run meanwhile.
        stalled, self._stalled = self._stalled, None
        if stalled:
            for action in stalled.actions:
                await action.remove()
            await stalled.remove()

    async def _stop_waiting(self) -> None:
        if self._waiting:
            await self._waiting.remove()
            self._waiting = None


def _note(words: str, parent_id: str | None) -> cl.Step:
    step = cl.Step(name=words, type=NOTE, show_input=False, parent_id=parent_id)
    step.start = step.end = utc_now()
    return step
