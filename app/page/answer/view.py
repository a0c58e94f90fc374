"""How a turn is shown in Chainlit: the Thinking step, the answer, the line of figures below it, and its buttons.

A view belongs to one turn. Another answer to the same question reuses the same step and the same message, so the order
on the page never changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import chainlit as cl
from chainlit.element import ElementDict
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
from app.page.answer.tool_steps import ToolSteps
from app.page.answer.waiting import PulseLine, Waiting
from app.talk.conversation import Answer, Picture, Turn
from app.talk.fitting import Fit
from app.talk.footer import footer_line
from app.talk.parts import ToolCall, ToolResult
from app.talk.settings import ChatSettings
from app.turn.faults import Fault
from app.turn.tooling import Tools
from app.upstream.progress import Pulse
from engine.engines.reader import NAME as READER
from engine.reasoning_tags import Kind, Piece
from engine.status import EngineStatus


def feedback_of(answer: Answer) -> FeedbackDict | None:
    """The user's feedback on an answer, in Chainlit's format; its id is the answer's."""
    if answer.feedback is None:
        return None
    return {"id": answer.id, "forId": "", "value": answer.feedback, "comment": answer.comment or None}


class AnswerView:
    """The answers to one question as the user sees them: coordinates the pieces on the page."""

    def __init__(self, turn_id: str, parent_id: str, language: Language, author: str, *, admin: bool = False) -> None:
        self._frame = frame = Frame(turn_id, parent_id, language, author, admin)
        self.place = (1, 1)
        """The version of its question, and how many there are."""
        self.running = False
        """Whether an answer is in progress."""
        self._waiting, self._pulse = Waiting(frame), PulseLine(frame)
        self._thinking, self._text = Thinking(frame), AnswerText(frame)
        self._tools = ToolSteps(frame)
        self._stall, self._footer = StallQuestion(frame), Footer(frame)
        self._buttons, self._fault = ButtonRow(frame), FaultMessage(frame)

    def knows(self, asked: Sequence[Sequence[Picture]]) -> None:
        """Sets the pictures of the turn's question and of those before it, which an answer may point at."""
        self._buttons.asked = asked

    @property
    def parent_id(self) -> str:
        """The id of the step that all of this is below."""
        return self._frame.parent_id

    # A turn from the history.

    def restore(self, turn: Turn, *, show_thinking: bool, awaited: bool = False) -> None:
        """Sets up the view of a turn from the history; `steps` and `buttons` then hold what to send to the page.

        `awaited`: another session may be about to answer it, so a missing answer is not reported.
        """
        self._thinking.wanted = show_thinking
        answer = turn.answer
        if answer:
            self._thinking.restore(answer)
            self._tools.restore(answer)
            self._text.restore(answer)
            self._footer.restore(footer_line(answer, self._frame.language))
        elif not awaited:
            self._fault.restore(self.place)

    def steps(self) -> list[StepDict]:
        """What the page shows of this turn, below its question."""
        shown = (
            self._waiting.step, self._thinking.step, *self._tools.steps, self._text.message, self._stall.message,
            self._tools.question, *self._footer.steps, self._fault.message,
        )  # fmt: skip
        return [step.to_dict() for step in shown if step]

    def elements(self, thread_id: str) -> list[ElementDict]:
        """The pictures that `steps` show."""
        return self._tools.elements(thread_id)

    def feedback(self, turn: Turn) -> FeedbackDict | None:
        """The user's feedback on the answer that is shown."""
        return feedback_of(turn.answer) if turn.answer else None

    def buttons(self, turn: Turn) -> list[cl.Action]:
        """The buttons below `steps`, for a page that receives the whole turn at once; a running turn sends its own."""
        if turn.answer and self._text.message and not self.running:
            self._buttons.make(turn, turn.answer, self.place, self._text.message.id)
        return [*self._buttons.actions, *self._fault.actions()]

    # What a running turn reports: the `View` of app/turn/run.py.

    async def waiting(self, status: EngineStatus) -> None:
        """Shows what the engine is doing while the question waits for it."""
        await self._waiting.show(status)

    async def asking(self, settings: ChatSettings, fitted: Fit, can_answer_now: bool) -> None:
        """Ends the waiting, and notes what of the conversation is not sent."""
        await self._waiting.end()
        self._thinking.wanted, self._thinking.can_be_cut = settings.show_thinking, can_answer_now
        self._thinking.reads = settings.model == READER
        if settings.agent_name:
            self._frame.author = settings.agent_name
        if words := wording.left_out(fitted, self._frame.language):
            await self._footer.add(words)

    async def interrupted(self) -> None:
        """Notes that the engine stopped and the answer goes on."""
        await self._footer.add(text("interrupted", self._frame.language))

    async def pulse(self, pulse: Pulse | None) -> None:
        """Shows the progress of the answer on one line above the composer."""
        await self._pulse.show(pulse)

    async def stalled(self, seconds: float | None) -> None:
        """Asks below the answer whether to keep waiting for a silent engine; None removes the question."""
        if seconds is None:
            await self._stall.take_back()
        else:
            await self._stall.ask(seconds)

    async def show(self, piece: Piece) -> None:
        """Adds a batch of text to the page."""
        match piece.kind:
            case Kind.REASONING:
                await self._thinking.think(piece.text)
            case Kind.ANSWER:
                await self._text.say(piece.text)
                await self._thinking.fold()
            case Kind.RETRACT:
                await self._thinking.think(await self._text.take_back())

    # Calls of tools: the `CallsView` of app/turn/tooling.py.

    async def called(self, calls: Sequence[ToolCall], tools: Tools, *, forming: bool = False) -> None:
        """Shows the calls of this round as far as they have arrived."""
        await self._thinking.fold()
        self._text.steps_follow = True
        await self._tools.called(calls, forming=forming)

    async def may_run(self, call: ToolCall | None, tools: Tools) -> None:
        """Asks below the answer whether this call may run; None withdraws the question."""
        if call is None:
            await self._tools.take_back()
        else:
            await self._tools.ask(call, tools)

    async def result(self, call: ToolCall, result: ToolResult) -> None:
        """Shows what a call gave."""
        await self._tools.result(call, result)

    async def limit_reached(self, key: str) -> None:
        """Notes why the model answers without further tools."""
        await self._footer.add(text(key, self._frame.language))

    async def tools_away(self, server: str) -> None:
        """Notes that the tools of a server can't be used now."""
        await self._footer.add(text("tools_away", self._frame.language, server=server))

    # What happens before and after.

    async def begin(self, answer: Answer) -> None:
        """Prepares for more of `answer`: removes its buttons and its line; an empty answer clears the text."""
        self.running = True
        await self._buttons.remove()
        await self._footer.clear()
        await self._fault.remove()
        await self._thinking.begin(answer)
        await self._tools.begin(answer)
        await self._text.begin(answer)

    async def finish(self, turn: Turn, fault: Fault | None = None) -> None:
        """Shows the final state of the turn's answer, with its line and its buttons, and what went wrong."""
        self.running = False
        await self._waiting.end()
        await self._stall.take_back()
        answer = turn.answer
        await self._tools.finish(answer or Answer())
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
        """Updates the turn after another session has changed it."""
        if turn.answer and not (turn.answer.empty and turn.answer.ending == "error"):
            await self.begin(turn.answer)
            await self.finish(turn)
        else:
            await self._fault.renew_buttons(self.place)

    async def resend(self) -> None:
        """Sends the answer so far again, to a browser that has reconnected."""
        steps = (self._waiting.step, self._thinking.step, *self._tools.steps, self._text.message, self._stall.message)
        for step in (*steps, self._tools.question):
            if step:
                await cl.context.emitter.send_step(step.to_dict())
        for element in self._tools.elements(cl.context.session.thread_id):
            await cl.context.emitter.send_element(element)
        for action in self._offered():
            # The page would add a button it already has a second time.
            await action.remove()
            if action.forId and action in self._offered():
                await action.send(for_id=action.forId)

    def _offered(self) -> list[cl.Action]:
        """The buttons of a running turn."""
        now = [self._thinking.answer_now] if self._thinking.answer_now else []
        asked = self._tools.question.actions if self._tools.question else []
        return now + self._stall.actions + asked

    async def _show_feedback(self, answer: Answer) -> None:
        # Chainlit keeps feedback on the step around the answer; fields not named here do not change.
        await cl.context.emitter.emit("update_message", {"id": self.parent_id, "feedback": feedback_of(answer)})
