"""A question from its arrival to the end of its answer: accepted, saved, answered, shown, saved again.

`app/turn/run.py` talks to the engine, `app/page/answer/view.py` draws the answer.
"""

from __future__ import annotations

import asyncio
import logging
import sys

import chainlit as cl
from chainlit.config import config
from chainlit.session import WebsocketSession

from app.background import finished, spawn
from app.errors import HistoryError
from app.i18n import text
from app.page.answer.view import AnswerView
from app.page.asking.attachments import Attachments
from app.page.asking.refusals import refuse
from app.page.asking.tool_use import ToolUse
from app.page.chat import Chat
from app.page.threads import resuming
from app.page.threads.saving import Keeper
from app.presets import Presets
from app.talk.control_tokens import whole
from app.talk.conversation import Answer, Turn, new_id
from app.talk.figures import Figures
from app.telemetry import spans
from app.turn import run as turns
from app.turn.faults import UNEXPECTED, Fault, explain
from app.turn.job import Job
from app.upstream.state import EngineState

_log = logging.getLogger("app.page")


class Turns:
    """Answers the questions of all chats, one at a time in each chat."""

    def __init__(
        self, state: EngineState, attachments: Attachments, keeper: Keeper, presets: Presets, tools: ToolUse
    ) -> None:
        self._state = state
        self._attachments = attachments
        self._keeper = keeper
        self._presets = presets
        self._tools = tools

    async def ask(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Answers a question once it is next in its chat."""
        try:
            async with chat.one_turn():
                if await self._loaded(session, chat, message):
                    await self._question(session, chat, message)
        except asyncio.CancelledError:
            if message.id in chat.coming:
                chat.begin(spawn(self._keep(session, chat, message)))
            raise

    @finished
    async def _keep(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Saves a question that was stopped while it waited, so that Retry can answer it."""
        async with chat.turn:
            if await self._loaded(session, chat, message):
                await self._question(session, chat, message, stopped=True)

    async def _loaded(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> bool:
        try:
            await resuming.load(self._keeper, session, chat)
        except HistoryError as error:
            _log.error("a chat could not be read: %s", error)
            await refuse(text("not_read", chat.language, chat.admin), message.id)
            return False
        return True

    async def _question(
        self, session: WebsocketSession, chat: Chat, message: cl.Message, *, stopped: bool = False
    ) -> None:
        run = cl.context.current_step
        parent_id = run.id if run else message.id
        pictures = chat.pictures_of(message.id)
        if pictures is None or self._attachments.brings_other_pages(chat, message.content):
            with spans.step("receive"):
                pictures = await self._attachments.take(session, chat, message, parent_id)
        if not pictures and not message.content.strip():
            return
        if pictures and not message.content.strip():
            await self._ask_for_preset(session, chat, message)
        # The browser chose the message's id, so it identifies the question on this page only, never in the history.
        turn = Turn(new_id(), whole(message.content), pictures, page_id=message.id)
        try:
            kept = await self._admit(session, chat, turn, parent_id)
        except asyncio.CancelledError:
            # `_admit` has completed regardless: the question is accepted.
            chat.begin(spawn(self._unanswered(session, chat, turn)))
            raise
        finally:
            chat.settled(message.id)
        if not kept:
            await refuse(text("chat_deleted", chat.language), parent_id)
        elif stopped:
            await chat.views[turn.id].finish(turn, Fault("unanswered"))
        else:
            await self.answer(session, chat, turn, Answer())

    async def _ask_for_preset(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Adds the preset's question, visibly, to a picture that was sent without text."""
        if question := self._presets.find(session.chat_profile).question[chat.language]:
            message.content = question
            await message.update()

    @finished
    async def _admit(self, session: WebsocketSession, chat: Chat, turn: Turn, parent_id: str) -> bool:
        """Accepts a question and saves it, even if Stop is pressed; False if its thread has been deleted."""
        removed = chat.conversation.ask(turn)
        chat.size += sys.getsizeof(turn.text)
        view = chat.views[turn.id] = AnswerView(turn.id, parent_id, chat.language, config.ui.name, admin=chat.admin)
        view.place = chat.conversation.place(turn)
        view.knows(chat.conversation.pictures_until(turn))
        for other in removed:
            chat.views.pop(other.id, None)
        return await self._keeper.save(session, chat, turn)

    @finished
    async def _unanswered(self, session: WebsocketSession, chat: Chat, turn: Turn) -> None:
        """Reports below a question that was stopped while it was saved that it has no answer."""
        async with chat.turn:
            if await self._keeper.save(session, chat, turn):
                await chat.views[turn.id].finish(turn, Fault("unanswered"))

    async def answer(self, session: WebsocketSession, chat: Chat, turn: Turn, answer: Answer) -> None:
        """Answers the turn. `answer` is a new one, or one of the turn's answers to continue."""
        continuing = any(other is answer for other in turn.answers)
        alone, chosen = not turn.answers, turn.chosen
        if not continuing:
            turn.answers.append(answer)
            turn.chosen = len(turn.answers) - 1
        job = chat.job = Job(chat.conversation.until(turn.id), answer, session.chat_settings, continuing)
        figures, fault = await self._run(session, chat, turn, job)
        assert answer.ending
        chat.ended = answer.ending
        if answer.empty and not alone and answer.ending != "stop":
            # Nothing new came: the earlier answer stays as it was.
            if not continuing:
                chat.take_out(turn, answer)
                turn.chosen = chosen
        else:
            answer.figures, answer.line = figures, ""
        spans.turn_ended(answer.ending, figures, fault.key if fault else "")
        await self._end(session, chat, turn, fault)

    async def _run(
        self, session: WebsocketSession, chat: Chat, turn: Turn, job: Job
    ) -> tuple[Figures | None, Fault | None]:
        """Asks the engine and shows what it sends; sets the ending of the job's answer."""
        view = chat.running = chat.views[turn.id]
        answer, figures = job.answer, None
        try:
            await view.begin(answer)
            job.tooling = await self._tools.of(session, chat, view)
            answer.ending = None
            copy = await self._keeper.copy_of(session, chat)
            async with self._keeper.autosave.writing(copy, turn, answer):
                figures = await turns.run(self._state, job, view)
                answer.ending = "length" if figures.finish_reason == "length" else "stop"
        except asyncio.CancelledError:
            # A stop that arrives while the complete answer is being saved changes nothing.
            answer.ending = answer.ending or "stopped"
            if task := asyncio.current_task():
                task.uncancel()
        except Exception as error:
            fault = explain(error)
            answer.ending = "error"
            # The engine's message may quote the question, so our log gets only the kind of error.
            trouble = error if fault.key == UNEXPECTED else None
            _log.warning("a turn failed: %s: %s", fault.key, type(error).__name__, exc_info=trouble)
            return figures, fault
        finally:
            chat.running = chat.job = None
        return figures, None

    @finished
    async def _end(self, session: WebsocketSession, chat: Chat, turn: Turn, fault: Fault | None) -> None:
        """Shows and saves the end of a turn, even if Stop is pressed again."""
        await chat.views[turn.id].finish(turn, fault)
        await self._keeper.save(session, chat, turn)
