"""Chainlit's callbacks: wiring only. What a turn does is in `turn/run.py`, how it looks in `view.py`."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any, get_args

import chainlit as cl
from chainlit.config import config
from chainlit.session import WebsocketSession
from chainlit.types import ThreadDict

from app.files.uploads import UploadStore
from app.history.database import HistoryError, finished
from app.i18n import language_of, text
from app.lazily import openai
from app.page import overrides, resuming, wording
from app.page.attachments import Attachments
from app.page.chats import Chat, chat_of
from app.page.incoming import shown_turns
from app.page.incoming.arrivals import give_up, replace_handlers
from app.page.panel import send_panel, show_mode
from app.page.refusals import refuse
from app.page.saving import Keeper
from app.page.view import AnswerView
from app.presets import Presets, profile
from app.presets.own import OwnSettings
from app.presets.starters import starters
from app.talk.control_tokens import whole
from app.talk.conversation import Answer, Turn, new_id
from app.telemetry import spans
from app.turn import run as turns
from app.turn.faults import UNEXPECTED, Fault, explain
from app.turn.job import Job
from app.upstream.offer import offer_of, planned_offer
from app.upstream.state import EngineState, NoSupervisorError

GRACE_SECONDS = 10.0
"""A browser that is gone for longer does not want its answer any more."""

_ANSWERING = {"regenerate", "continue", "retry"}
"""The buttons that have the engine asked."""

_log = logging.getLogger("app.page.callbacks")
_background: set[asyncio.Task[Any]] = set()


def register(state: EngineState, store: UploadStore, keeper: Keeper, presets: Presets, own: OwnSettings) -> None:
    """Gives Chainlit its callbacks, all of which work with this engine, these uploads, this history, these presets."""
    callbacks = _Callbacks(state, store, keeper, presets, own)
    cl.on_chat_start(callbacks.start)
    cl.on_chat_resume(callbacks.resume)
    cl.on_message(callbacks.message)
    cl.on_chat_end(callbacks.end)
    cl.set_starters(callbacks.starters)
    cl.set_chat_profiles(callbacks.profiles)
    # No preset overrides Chainlit's configuration; where this is not set, it tries to find that out and fails.
    WebsocketSession.config = config
    for name in get_args(wording.Button):
        cl.action_callback(name)(callbacks.pressed)
    overrides.apply()
    replace_handlers(keeper, callbacks.returned)
    shown_turns.register(keeper, callbacks.settings_changed)


class _Callbacks:
    def __init__(
        self, state: EngineState, store: UploadStore, keeper: Keeper, presets: Presets, own: OwnSettings
    ) -> None:
        self._state = state
        self._attachments = Attachments(state, store, presets)
        self._keeper = keeper
        self._presets = presets
        self._own = own

    async def starters(self, user: cl.User | None, language: str | None) -> list[cl.Starter]:
        return starters(language_of(language))

    async def start(self) -> None:
        session = _session()
        session.chat_settings = await self._own.start(session)
        # In a task of its own: until this returns, the page shows a running turn.
        _spawn(self._offer_settings(chat_of(session)))

    async def _offer_settings(self, chat: Chat) -> None:
        """Sends the panel as soon as the plan is known, and again if the engine then turns out to serve others."""
        client = await self._state.launched()
        planned = planned_offer(client)
        await send_panel(planned, chat, _session())
        try:
            client = await self._state.ready()
            offer = await offer_of(client)
        except Exception as error:
            _log.info("no list of models yet: %s", type(error).__name__)
            return
        if offer != planned:
            await send_panel(offer, chat, _session())

    async def profiles(self, user: cl.User | None, language: str | None) -> list[cl.ChatProfile]:
        last = await self._own.last_preset(user)
        presets = self._presets.all().items()
        return [profile(name, preset, language_of(language), chosen=name == last) for name, preset in presets]

    async def settings_changed(self) -> None:
        """The panel was confirmed, and its values are in the session."""
        client = self._state.client()
        if client is None:
            return
        session = _session()
        try:
            offer, answers = await offer_of(client), True
        except openai.APIError as error:
            _log.info("own settings are not kept, for the engine does not answer: %s", type(error).__name__)
            offer, answers = planned_offer(client), False
        await show_mode(offer, chat_of(session), session)
        if answers:
            await self._own.remember(session, offer)

    async def message(self, message: cl.Message) -> None:
        session = _session()
        chat = chat_of(session)
        with spans.turn(session.thread_id, "ask"):
            await self._asked(session, chat, message)

    async def _asked(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        try:
            async with chat.one_turn():
                if await self._loaded(session, chat, message):
                    await self._question(session, chat, message)
        except asyncio.CancelledError:
            if message.id in chat.coming:
                chat.begin(_spawn(self._keep(session, chat, message)))
            raise

    @finished
    async def _keep(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Has a question kept that was stopped while it waited; its Retry has it answered."""
        async with chat.turn:
            if await self._loaded(session, chat, message):
                await self._question(session, chat, message, stopped=True)

    async def _loaded(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> bool:
        try:
            await resuming.load(self._keeper, session, chat)
        except HistoryError as error:
            _log.error("a chat could not be read: %s", error)
            await refuse(text("not_read", chat.language), message.id)
            return False
        return True

    async def _question(
        self, session: WebsocketSession, chat: Chat, message: cl.Message, *, stopped: bool = False
    ) -> None:
        run = cl.context.current_step
        parent_id = run.id if run else message.id
        pictures = chat.pictures_of(message.id)
        if pictures is None:
            with spans.step("receive"):
                pictures = await self._attachments.take(session, chat, message, parent_id)
        if not pictures and not message.content.strip():
            return
        if pictures and not message.content.strip():
            await self._ask_for_preset(session, chat, message)
        # The browser chooses the message's id: it names the question on this page, and nothing in the history.
        turn = Turn(new_id(), whole(message.content), pictures, page_id=message.id)
        try:
            kept = await self._admit(session, chat, turn, parent_id)
        except asyncio.CancelledError:
            # It was taken in all the same.
            chat.begin(_spawn(self._unanswered(session, chat, turn)))
            raise
        finally:
            chat.settled(message.id)
        if not kept:
            await refuse(text("chat_deleted", chat.language), parent_id)
        elif stopped:
            await chat.views[turn.id].finish(turn, Fault("unanswered"))
        else:
            await self._answer(session, chat, turn, Answer())

    @finished
    async def _admit(self, session: WebsocketSession, chat: Chat, turn: Turn, parent_id: str) -> bool:
        """Takes a question in and saves it, even if Stop is pressed meanwhile; False: its thread has been deleted."""
        removed = chat.conversation.ask(turn)
        chat.size += sys.getsizeof(turn.text)
        view = chat.views[turn.id] = AnswerView(turn.id, parent_id, chat.language, config.ui.name)
        view.place = chat.conversation.place(turn)
        for other in removed:
            chat.views.pop(other.id, None)
        return await self._keeper.save(session, chat, turn)

    @finished
    async def _unanswered(self, session: WebsocketSession, chat: Chat, turn: Turn) -> None:
        """Says below a question that was stopped while it was saved that it has no answer."""
        async with chat.turn:
            if await self._keeper.save(session, chat, turn):
                await chat.views[turn.id].finish(turn, Fault("unanswered"))

    async def _ask_for_preset(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Puts the preset's question to a picture that came without words, for everybody to see."""
        if question := self._presets.find(session.chat_profile).question[chat.language]:
            message.content = question
            await message.update()

    async def _answer(self, session: WebsocketSession, chat: Chat, turn: Turn, answer: Answer) -> None:
        """Has the turn answered. `answer` is a new one, or one of the turn's that is to go on."""
        continuing = any(other is answer for other in turn.answers)
        alone, chosen = not turn.answers, turn.chosen
        if not continuing:
            turn.answers.append(answer)
            turn.chosen = len(turn.answers) - 1
        view = chat.running = chat.views[turn.id]
        job = chat.job = Job(chat.conversation.until(turn.id), answer, session.chat_settings, continuing)
        figures, fault = None, None
        try:
            await view.begin(answer)
            answer.ending = None
            copy = await self._keeper.copy_of(session, chat)
            async with self._keeper.along.writing(copy, turn, answer):
                figures = await turns.run(self._state, job, view)
                answer.ending = "length" if figures.finish_reason == "length" else "stop"
        except asyncio.CancelledError:
            # Who stops it while its last words are written down stops nothing.
            answer.ending = answer.ending or "stopped"
            if task := asyncio.current_task():
                task.uncancel()
        except Exception as error:
            answer.ending, fault = "error", explain(error)
            # An engine's sentence may repeat the question: its log has it, and the page; ours names the kind.
            trouble = error if fault.key == UNEXPECTED else None
            _log.warning("a turn failed: %s: %s", fault.key, type(error).__name__, exc_info=trouble)
        finally:
            chat.running = chat.job = None
        if answer.empty and not alone and answer.ending != "stop":
            # Nothing new came: the earlier answer stays as it was.
            if not continuing:
                chat.take_out(turn, answer)
                turn.chosen = chosen
        else:
            answer.figures, answer.line = figures, ""
        spans.turn_ended(answer.ending, figures, fault.key if fault else "")
        await self._end(session, chat, turn, fault)

    @finished
    async def _end(self, session: WebsocketSession, chat: Chat, turn: Turn, fault: Fault | None) -> None:
        """Shows and saves how a turn has ended, even if somebody presses Stop once more meanwhile."""
        await chat.views[turn.id].finish(turn, fault)
        await self._keeper.save(session, chat, turn)

    async def pressed(self, action: cl.Action) -> None:
        """A button below an answer. Runs in a request of its own, so the work goes into a task that Stop can reach."""
        session = _session()
        chat = chat_of(session)
        turn = chat.find(str(action.payload.get("turn")))
        if turn is None:
            return
        if action.name == "download" and turn.answer:
            # Taken up by public/chats.js.
            url = f"/api/answers/{turn.answer.id}/answer.md"
            await cl.context.emitter.send_window_message({"type": "kimi-download", "url": url})
            return
        if action.name in {"answer_now", "keep_waiting", "stop_here"}:
            chat.wish(turn, action.name)
            return
        if chat.tasks:
            await cl.context.emitter.send_toast(text("busy", chat.language))
            return
        chat.begin(_spawn(self._run_button(session, chat, turn, action.name)))

    async def _run_button(self, session: WebsocketSession, chat: Chat, turn: Turn, name: str) -> None:
        async with chat.one_turn():
            await cl.context.emitter.task_start()
            try:
                with spans.turn(session.thread_id, name) if name in _ANSWERING else nullcontext():
                    await self._act(session, chat, turn, name)
            finally:
                await cl.context.emitter.task_end()

    async def _act(self, session: WebsocketSession, chat: Chat, turn: Turn, name: str) -> None:
        if name in {"previous", "next"} and turn.answers:
            turn.chosen = min(max(turn.chosen + (1 if name == "next" else -1), 0), len(turn.answers) - 1)
            view = chat.views[turn.id]
            await view.begin(turn.answers[turn.chosen])
            await view.finish(turn)
            await self._keeper.save(session, chat, turn)
        elif name in {"earlier_question", "later_question"}:
            await self._switch(session, chat, turn, 1 if name == "later_question" else -1)
        elif name == "continue" and turn.answer:
            await self._answer(session, chat, turn, turn.answer)
        elif name in {"retry", "regenerate"}:
            if name == "retry" and not await self._engine_restarted(chat, turn):
                return
            for answer in [answer for answer in turn.answers if answer.empty]:
                chat.take_out(turn, answer)
            await self._answer(session, chat, turn, Answer())

    async def _switch(self, session: WebsocketSession, chat: Chat, turn: Turn, step: int) -> None:
        """Shows the branch of another version of the turn's question: `step` -1 the one before, 1 the one after."""
        versions = chat.conversation.versions(turn)
        at = next(n for n, version in enumerate(versions) if version is turn) + step
        other = versions[min(max(at, 0), len(versions) - 1)]
        chat.conversation.switch(other.id)
        for left in chat.conversation.aside:
            chat.views.pop(left.id, None)
        await resuming.show_branch(session, chat, other, config.ui.name)
        await self._keeper.save(session, chat, chat.conversation.turns[-1])

    async def _engine_restarted(self, chat: Chat, turn: Turn) -> bool:
        """Starts a failed engine again; False, and said so in the page, where that can't be done from here."""
        try:
            await self._state.restart_if_failed()
        except NoSupervisorError as error:
            await chat.views[turn.id].finish(turn, explain(error))
            return False
        return True

    async def end(self) -> None:
        """The browser went away: after the grace period its answer is given up, at once if it began a new chat."""
        session = _session()
        if session.to_clear:
            # Its files go when this returns.
            await chat_of(session).all_settled(GRACE_SECONDS)
            await chat_of(session).end(GRACE_SECONDS)
        else:
            _spawn(give_up(session, session.socket_id, GRACE_SECONDS))

    async def resume(self, thread: ThreadDict) -> None:
        """A thread of the history is opened; what `thread` holds afterwards is shown."""
        session = _session()
        chat = chat_of(session)
        await resuming.resume(self._keeper, session, chat, thread, config.ui.name)
        _spawn(self._offer_settings(chat))

    async def returned(self, session: WebsocketSession) -> None:
        """The browser came back in time, and gets what it missed."""
        chat = chat_of(session)
        if session.restored and not chat.conversation.turns:
            # A page that has just learned its preset connects a second time; the panel may have gone to the first.
            _spawn(self._offer_settings(chat))
        if chat.running:
            await cl.context.emitter.task_start()
            await chat.running.resend()


def _session() -> WebsocketSession:
    session = cl.context.session
    assert isinstance(session, WebsocketSession)
    return session


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    _background.add(task)
    task.add_done_callback(_background.discard)
    return task
