"""The steps that show calls of tools, with their results and pictures, and the question whether one may run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from urllib.parse import quote

import chainlit as cl
from chainlit.element import ElementDict
from chainlit.utils import utc_now

from app.files.pictures import media_type
from app.i18n import text
from app.page.answer.buttons import MAY_RUN
from app.page.answer.frame import Frame
from app.talk.control_tokens import whole
from app.talk.conversation import Answer
from app.talk.parts import ResultPicture, ToolCall, ToolResult
from app.turn.consent import LONGEST_MINUTES
from app.turn.tooling import Tools

_MOST_INDENTED = 2000
_MOST_SHOWN = 8000
"""Characters of the arguments of a call; indenting deep ones makes them hundreds of times longer."""
_FORMING_SHOWN = 2000
_FORMING_SECONDS = 0.5
_PICTURE_URL = "/project/thread/{thread}/picture/{file}"


class ToolSteps:
    """One step for each call, in their order: its arguments while they form, then its result."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self.steps: list[cl.Step] = []
        self._calls: Sequence[ToolCall] = ()
        """Those of this round; their steps are the last ones."""
        self._pictures: dict[str, list[ResultPicture]] = {}
        """By the id of their step."""
        self._updated = 0.0
        """When the forming calls were last shown."""
        self.question: cl.Message | None = None

    def restore(self, answer: Answer) -> None:
        """Shows the calls of an answer from the history."""
        self.steps, self._calls, self._pictures = [], (), {}
        for call, result in _pairs(answer):
            step = self._new(call, _shown(call))
            step.start = step.end = utc_now()
            self._fill(step, result)
            self.steps.append(step)

    async def begin(self, answer: Answer) -> None:
        """Goes back to the calls that `answer` has so far."""
        self._calls = ()
        before = self.steps
        self.restore(answer)
        if [_look(step) for step in before] == [_look(step) for step in self.steps]:
            # Nothing changes on the page, so its steps keep their ids.
            self._pictures = {
                old.id: self._pictures[new.id]
                for old, new in zip(before, self.steps, strict=True)
                if new.id in self._pictures
            }
            self.steps = before
            return
        for step in before:
            await step.remove()
        for step in self.steps:
            await step.send()
        for element in self.elements(cl.context.session.thread_id):
            await cl.context.emitter.send_element(element)

    async def called(self, calls: Sequence[ToolCall], *, forming: bool) -> None:
        """Shows the calls of this round; while they are `forming`, only their ends, and those not in every frame."""
        words_of = _end_of if forming else _shown
        if not self._calls or calls[0] is not self._calls[0]:
            await self._drop_unfinished()
            self._calls = ()
        if not forming or monotonic() - self._updated >= _FORMING_SECONDS:
            self._updated = monotonic()
            for call, step in zip(calls, self.steps[len(self.steps) - len(self._calls) :], strict=False):
                name, words = self._name(call), words_of(call)
                if (step.name, step.input) != (name, words):
                    step.name, step.input = name, words
                    await step.update()
        for call in calls[len(self._calls) :]:
            step = self._new(call, words_of(call))
            step.start = utc_now()
            self.steps.append(step)
            await step.send()
        self._calls = list(calls)

    async def result(self, call: ToolCall, result: ToolResult) -> None:
        """Shows the result of a call of this round."""
        at = next(n for n, other in enumerate(self._calls) if other is call)
        await self._end(self.steps[len(self.steps) - len(self._calls) + at], result)

    async def finish(self, answer: Answer) -> None:
        """Shows an answer that has ended: calls that were stopped, too."""
        await self.take_back()
        pairs = _pairs(answer)
        for step, (_, result) in zip(self.steps, pairs, strict=False):
            if not step.end:
                await self._end(step, result)
        await self._drop_unfinished()

    def elements(self, thread_id: str) -> list[ElementDict]:
        """The pictures of the results, for a page that receives the whole turn at once."""
        return [
            element
            for step_id, pictures in self._pictures.items()
            for element in _elements(pictures, step_id, thread_id)
        ]

    async def _end(self, step: cl.Step, result: ToolResult | None) -> None:
        step.end = utc_now()
        self._fill(step, result)
        await step.update()
        for element in _elements(result.pictures, step.id, step.thread_id) if result else ():
            await cl.context.emitter.send_element(element)

    async def _drop_unfinished(self) -> None:
        """Removes the steps of calls that never became complete."""
        for step in [step for step in self.steps if not step.end]:
            self.steps.remove(step)
            await step.remove()

    async def ask(self, call: ToolCall, tools: Tools) -> None:
        """Asks below the answer whether this call may run."""
        tool = tools[call.name]
        values = {"tool": _plain(tool.title), "server": _plain(tool.server), "minutes": LONGEST_MINUTES}
        # All of the arguments, however long: nobody can agree to what is cut off.
        content = f"{text('may_run', self._frame.language, **values)}\n\n{_fenced(_indented(call), 'json')}"
        self.question = cl.Message(content=content, type="system_message", parent_id=self._frame.parent_id)
        self.question.actions = [self._frame.action(name) for name in MAY_RUN]
        for action in self.question.actions:
            action.payload["call"] = call.id
        await self.question.send()
        await cl.context.emitter.emit("chat_asks", {"id": cl.context.session.thread_id, "name": ""})

    async def take_back(self) -> None:
        """Removes the question from the page."""
        # Detached before the first await: `resend` may send the turn again in between.
        question, self.question = self.question, None
        if question:
            for action in question.actions:
                await action.remove()
            await question.remove()

    def _fill(self, step: cl.Step, result: ToolResult | None) -> None:
        step.is_error = result is None or result.failed
        step.output = _fenced(result.text) if result and result.text else text("step_no_text", self._frame.language)
        if result and result.pictures:
            self._pictures[step.id] = result.pictures

    def _name(self, call: ToolCall) -> str:
        return text("step_call", self._frame.language, tool=call.name)

    def _new(self, call: ToolCall, words: str) -> cl.Step:
        step = cl.Step(name=self._name(call), type="tool", show_input="json", parent_id=self._frame.parent_id)
        step.input = words
        return step


def _look(step: cl.Step) -> tuple[str, str, str]:
    return step.name, step.input, step.output


def _pairs(answer: Answer) -> list[tuple[ToolCall, ToolResult | None]]:
    """The calls of an answer with their results, in the order of the calls."""
    pairs: list[tuple[ToolCall, ToolResult | None]] = []
    for part in answer.steps:
        if isinstance(part, ToolCall):
            pairs.append((part, None))
        else:
            # Ids may repeat in another round: the latest call without a result is meant.
            at = next((n for n in range(len(pairs)) if pairs[n][1] is None and pairs[n][0].id == part.id), None)
            if at is not None:
                pairs[at] = (pairs[at][0], part)
    return pairs


def _indented(call: ToolCall) -> str:
    """The arguments of a complete call."""
    words = call.arguments
    if len(words) <= _MOST_INDENTED:
        with suppress(ValueError, RecursionError):
            indented = json.dumps(json.loads(words), indent=1, ensure_ascii=False)
            words = indented if len(indented) <= _MOST_SHOWN else words
    # Escapes may have been decoded into half characters.
    return whole(words)


def _shown(call: ToolCall) -> str:
    """The same for a step, where very long ones are cut."""
    words = _indented(call)
    return words if len(words) <= _MOST_SHOWN else f"{words[:_MOST_SHOWN]}\n… ({_MOST_SHOWN:,} / {len(words):,})"


def _end_of(call: ToolCall) -> str:
    """The arguments of a call that is forming."""
    words = call.arguments[-_FORMING_SHOWN:]
    return whole(words if len(call.arguments) <= _FORMING_SHOWN else f"…{words}")


def _fenced(words: str, language: str = "") -> str:
    """A text that is shown as it is: nothing in it becomes a link, a picture or a heading."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", words)), default=0))
    return f"{fence}{language}\n{words}\n{fence}"


def _plain(words: str) -> str:
    return re.sub(r"[`*_\[\]<>|\\]", " ", words).strip()


def _elements(pictures: Sequence[ResultPicture], step_id: str, thread_id: str) -> list[ElementDict]:
    return [_element(picture, f"{step_id}-{number}", step_id, thread_id) for number, picture in enumerate(pictures)]


def _element(picture: ResultPicture, element_id: str, step_id: str, thread_id: str) -> ElementDict:
    return {
        # The same whenever it is sent, so that a page that has it shows it once.
        "id": element_id,
        "threadId": thread_id,
        "type": "image",
        "url": _PICTURE_URL.format(thread=quote(thread_id), file=quote(picture.file)),
        "name": picture.name,
        "display": "inline",
        "size": "medium",
        "forId": step_id,
        "mime": media_type(picture.file),
    }
