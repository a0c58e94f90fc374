"""How a turn is shown in Chainlit: the Thinking step, the answer, the quiet line below it, and its buttons.

An object of this module belongs to one turn and stays with it: another answer to the same question is written into the
same step and the same message, so that the order on the page never changes.
"""

from __future__ import annotations

import chainlit as cl
from chainlit.step import StepDict
from chainlit.types import FeedbackDict

from app.i18n import Language, text
from app.page.answer import wording
from app.page.answer.answer_text import AnswerText
from app.page.answer.button_row import ButtonRow
from app.page.answer.fault_message import FaultMessage
from app.page.answer.footer import Footer
from app.page.answer.frame import Frame
from app.page.answer.stall_question import StallQuestion
from app.page.answer.thinking import Thinking
from app.page.answer.waiting import PulseLine, Waiting
from app.talk.conversation import Answer, Turn
from app.talk.fitting import Fit
from app.talk.footer import footer_line
from app.talk.settings import ChatSettings
from app.turn.faults import Fault
from app.upstream.progress import Pulse
from engine.reasoning_tags import Kind, Piece
from engine.status import EngineStatus


def feedback_of(answer: Answer) -> FeedbackDict | None:
    """What its reader thought of an answer, as Chainlit writes it; its id is the answer's."""
    if answer.feedback is None:
        return None
    return {"id": answer.id, "forId": "", "value": answer.feedback, "comment": answer.comment or None}


class AnswerView:
    """The answers to one question as a person sees them: which of the pieces changes when."""

    def __init__(self, turn_id: str, parent_id: str, language: Language, author: str) -> None:
        self._frame = frame = Frame(turn_id, parent_id, language, author)
        self.place = (1, 1)
        """Which version of its question this is, and of how many."""
        self.running = False
        """Whether the answer is being given at this moment."""
        self._waiting, self._pulse = Waiting(frame), PulseLine(frame)
        self._thinking, self._text = Thinking(frame), AnswerText(frame)
        self._stall, self._footer = StallQuestion(frame), Footer(frame)
        self._buttons, self._fault = ButtonRow(frame), FaultMessage(frame)

    @property
    def parent_id(self) -> str:
        """The step below which all of it is."""
        return self._frame.parent_id

    # A turn of the history.

    def restore(self, turn: Turn, *, show_thinking: bool, awaited: bool = False) -> None:
        """Takes a turn up as if it had been shown here; `steps` and `buttons` are then what the page gets.

        `awaited`: another session may be about to answer it, so that nothing is said if there is no answer yet.
        """
        self._thinking.wanted = show_thinking
        answer = turn.answer
        if answer:
            self._thinking.restore(answer)
            self._text.restore(answer)
            self._footer.restore(footer_line(answer, self._frame.language))
        elif not awaited:
            self._fault.restore(self.place)

    def steps(self) -> list[StepDict]:
        """What of this turn is on the page, below its question."""
        shown = (
            self._waiting.step, self._thinking.step, self._text.message, self._stall.message, *self._footer.steps,
            self._fault.message,
        )  # fmt: skip
        return [step.to_dict() for step in shown if step]

    def feedback(self, turn: Turn) -> FeedbackDict | None:
        """What its reader thought of the answer that is shown."""
        return feedback_of(turn.answer) if turn.answer else None

    def buttons(self, turn: Turn) -> list[cl.Action]:
        """The buttons below `steps`, for a page that gets the turn as a whole; a running turn has its own."""
        if turn.answer and self._text.message and not self.running:
            self._buttons.make(turn, turn.answer, self.place, self._text.message.id)
        return [*self._buttons.actions, *self._fault.actions()]

    # What a running turn reports (turn.View).

    async def waiting(self, status: EngineStatus) -> None:
        """Says what the engine is doing while the question waits for it."""
        await self._waiting.show(status)

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        """Ends the waiting, and says what is not sent along."""
        await self._waiting.end()
        self._thinking.wanted, self._thinking.can_be_cut = settings.show_thinking, can_answer_now
        if settings.agent_name:
            self._frame.author = settings.agent_name
        if words := wording.left_out(fitted, self._frame.language):
            await self._footer.add(words)

    async def interrupted(self) -> None:
        """Says that the engine was lost and that the answer goes on."""
        await self._footer.add(text("interrupted", self._frame.language))

    async def pulse(self, pulse: Pulse | None) -> None:
        """Says on one line above the composer how the answer goes."""
        await self._pulse.show(pulse)

    async def stalled(self, seconds: float | None) -> None:
        """Asks below what is there whether a silent engine is to be waited for; None: takes the question back."""
        if seconds is None:
            await self._stall.take_back()
        else:
            await self._stall.ask(seconds)

    async def show(self, piece: Piece) -> None:
        """Puts a frame of text on the page."""
        match piece.kind:
            case Kind.REASONING:
                await self._thinking.think(piece.text)
            case Kind.ANSWER:
                await self._text.say(piece.text)
                await self._thinking.fold()
            case Kind.RETRACT:
                await self._thinking.think(await self._text.take_back())

    # What happens around it.

    async def begin(self, answer: Answer) -> None:
        """Gets ready for more of `answer`: its buttons and its line go, and an empty one clears the page."""
        self.running = True
        await self._buttons.remove()
        await self._footer.clear()
        await self._fault.remove()
        await self._thinking.begin(answer)
        await self._text.begin(answer)

    async def finish(self, turn: Turn, fault: Fault | None = None) -> None:
        """Shows the turn's answer as it is now, with its line and its buttons, and what went wrong."""
        self.running = False
        await self._waiting.end()
        await self._stall.take_back()
        answer = turn.answer
        if answer and not (answer.empty and fault):
            await self._thinking.finish(answer)
            message = await self._text.finish(answer)
            await self._footer.finish(footer_line(answer, self._frame.language))
            await self._show_feedback(answer)
            await self._buttons.show(turn, answer, self.place, message.id)
        else:
            await self._text.remove()
        if fault:
            await self._fault.show(fault, self.place)

    async def show_again(self, turn: Turn) -> None:
        """Shows the turn as it is now: another session has changed it."""
        if turn.answer and not (turn.answer.empty and turn.answer.ending == "error"):
            await self.begin(turn.answer)
            await self.finish(turn)
        else:
            await self._fault.renew_buttons(self.place)

    async def resend(self) -> None:
        """Sends again what is there so far, to a browser that was away."""
        for step in (self._waiting.step, self._thinking.step, self._text.message, self._stall.message):
            if step:
                await cl.context.emitter.send_step(step.to_dict())
        for action in self._offered():
            # The page adds whatever it is sent, also what it has already.
            await action.remove()
            if action.forId and action in self._offered():
                await action.send(for_id=action.forId)

    def _offered(self) -> list[cl.Action]:
        """The buttons that a running turn has on the page."""
        now = [self._thinking.answer_now] if self._thinking.answer_now else []
        return now + self._stall.actions

    async def _show_feedback(self, answer: Answer) -> None:
        # Chainlit's frame around the answer has it; what is not named here stays as it is.
        await cl.context.emitter.emit("update_message", {"id": self.parent_id, "feedback": feedback_of(answer)})
