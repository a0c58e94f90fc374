"""Chainlit's callbacks: wiring only. What a turn does stands in `turn.py`, how it looks in `view.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args

import chainlit as cl
from chainlit.config import config
from chainlit.session import WebsocketSession
from chainlit.types import ThreadDict

from app import spans, wording
from app import turn as turns
from app.arrivals import give_up, replace_handlers
from app.chats import Chat, chat_of
from app.conversation import Answer, Picture, Turn, new_id
from app.engine_state import EngineState, NoSupervisorError
from app.errors import UNEXPECTED, Fault, explain
from app.history import resuming
from app.history.database import HistoryError
from app.history.keeper import Keeper
from app.i18n import language_of, text
from app.lazily import openai
from app.neutral import whole
from app.panel import send_panel, show_mode
from app.pictures import PictureError, PictureLimits
from app.presets import Presets, profile
from app.presets.own import OwnSettings
from app.starters import sample_for, starters
from app.uploads import Stored, UploadStore
from app.view import AnswerView, show_note

GRACE_SECONDS = 10.0
"""A browser that is gone for longer does not want its answer any more."""

_ANSWERING = {"regenerate", "continue", "retry"}
"""The buttons that have the engine asked."""

_log = logging.getLogger("app.chat")
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
    # Without Chainlit's wrapper, which would tell the page that the running answer has ended.
    config.code.on_settings_update = callbacks.settings_changed
    # No preset overrides Chainlit's configuration; where this is not set, it tries to find that out and fails.
    WebsocketSession.config = config
    for name in get_args(wording.Button):
        cl.action_callback(name)(callbacks.pressed)
    replace_handlers(keeper.history, callbacks.returned)


class _Callbacks:
    def __init__(
        self, state: EngineState, store: UploadStore, keeper: Keeper, presets: Presets, own: OwnSettings
    ) -> None:
        self._state = state
        self._store = store
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
        planned = turns.planned_offer(client)
        await send_panel(planned, chat, _session())
        try:
            client = await self._state.ready()
            offer = await turns.offer_of(client)
        except Exception as error:
            _log.info("no list of models yet: %s", type(error).__name__)
            return
        if offer != planned:
            await send_panel(offer, chat, _session())

    async def profiles(self, user: cl.User | None, language: str | None) -> list[cl.ChatProfile]:
        last = await self._own.last_preset(user)
        presets = self._presets.all().items()
        return [profile(name, preset, language_of(language), chosen=name == last) for name, preset in presets]

    async def settings_changed(self, settings: dict[str, Any]) -> None:
        """The panel was confirmed: Chainlit has put its values into the session."""
        client = self._state.client()
        if client is None:
            return
        session = _session()
        try:
            offer, answers = await turns.offer_of(client), True
        except openai.APIError as error:
            _log.info("own settings are not kept, for the engine does not answer: %s", type(error).__name__)
            offer, answers = turns.planned_offer(client), False
        await show_mode(offer, chat_of(session), session)
        if answers:
            await self._own.remember(session, offer)

    async def message(self, message: cl.Message) -> None:
        session = _session()
        # Chainlit forgets this after an edit, and Stop would do nothing.
        session.current_task = asyncio.current_task()
        chat = chat_of(session)
        with spans.turn(session.thread_id, "ask"):
            await self._asked(session, chat, message)

    async def _asked(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        try:
            async with chat.turn:
                if await self._loaded(session, chat, message):
                    await self._question(session, chat, message)
        except asyncio.CancelledError:
            if message.id in chat.coming:
                _spawn(self._keep(session, chat, message))
            raise

    async def _keep(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Has a question kept that was stopped before it was; its Retry has it answered."""
        async with chat.turn:
            if not await self._loaded(session, chat, message):
                return
            if turn := chat.asked(message.id):
                await self._unanswered(session, chat, turn)
            else:
                await self._question(session, chat, message, stopped=True)

    async def _loaded(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> bool:
        try:
            await resuming.load(self._keeper.history, session, chat)
        except HistoryError as error:
            _log.error("a chat could not be read: %s", error)
            await _refuse(text("not_read", chat.language), message.id)
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
                pictures = await self._take_files(session, chat, message, parent_id)
        if not pictures and not message.content.strip():
            return
        if pictures and not message.content.strip():
            await self._ask_for_preset(session, chat, message)
        known = chat.pictures_of(message.id) is not None
        turn = Turn(new_id() if known else message.id, whole(message.content), pictures, page_id=message.id)
        for removed in chat.conversation.ask(turn):
            if view := chat.views.pop(removed.id, None):
                await view.remove()
        view = chat.views[turn.id] = AnswerView(turn.id, parent_id, chat.language, config.ui.name)
        view.place = chat.conversation.place(turn)
        if stopped:
            await self._unanswered(session, chat, turn)
        elif await self._keeper.save(session, chat, turn):
            chat.settled(message.id)
            await self._answer(session, chat, turn, Answer())
        else:
            await _refuse(text("chat_deleted", chat.language), parent_id)

    async def _unanswered(self, session: WebsocketSession, chat: Chat, turn: Turn) -> None:
        if await self._keeper.save(session, chat, turn):
            await chat.views[turn.id].finish(turn, Fault("unanswered"))

    async def _ask_for_preset(self, session: WebsocketSession, chat: Chat, message: cl.Message) -> None:
        """Puts the preset's question to a picture that came without words, for everybody to see."""
        if question := self._presets.find(session.chat_profile).question[chat.language]:
            message.content = question
            await message.update()

    async def _take_files(
        self, session: WebsocketSession, chat: Chat, message: cl.Message, parent_id: str
    ) -> list[Picture]:
        """Makes pictures of the message's files; says of each one that can't be used why."""
        files: list[tuple[Any, Path, str]] = [
            (element, Path(element.path), element.name) for element in message.elements if element.path
        ]
        first = not files and not chat.conversation.turns
        sample = (sample_for(message.content) or self._presets.sample(message.content)) if first else None
        if sample:
            await cl.Image(path=str(sample), name=sample.name, display="inline").send(for_id=message.id)
            files = [(None, sample, sample.name)]
        if not files:
            return []
        client = await self._state.launched()
        limits = PictureLimits(client.model.picture_pixels, client.model.picture_side)
        taken: list[Picture] = []
        for element, path, name in files:
            most = client.model.pictures_per_prompt - len(taken)
            try:
                with spans.picture() as seen:
                    stored = await self._store.take(path, name, session.thread_id, limits, most)
                    seen.extend(stored.pictures)
            except (PictureError, OSError) as error:
                await _refuse_file(error, name, chat, parent_id)
                continue
            taken += stored.pictures
            if element:
                await _show_pictures(element, stored, message.id)
            for notice in stored.notices:
                await show_note(text(notice.key, chat.language, **notice.values), parent_id)
        return taken

    async def _answer(self, session: WebsocketSession, chat: Chat, turn: Turn, answer: Answer) -> None:
        """Has the turn answered. `answer` is a new one, or one of the turn's that is to go on."""
        continuing = any(other is answer for other in turn.answers)
        before, chosen = list(turn.answers), turn.chosen
        if not continuing:
            turn.answers.append(answer)
            turn.chosen = len(turn.answers) - 1
        view = chat.running = chat.views[turn.id]
        job = chat.job = turns.Job(chat.conversation.until(turn.id), answer, session.chat_settings, continuing)
        figures, fault = None, None
        try:
            await view.begin(answer)
            answer.ending = None
            async with self._keeper.along.writing(turn, answer):
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
        if answer.empty and before and answer.ending != "stop":
            # Nothing new came: the earlier answer stands as it did.
            turn.answers, turn.chosen = before, chosen
        else:
            answer.line = wording.line(figures, answer, chat.language)
        await view.finish(turn, fault)
        spans.turn_ended(answer.ending, figures, fault.key if fault else "")
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
            chat.wish(turn, action.name, session.current_task)
            return
        if chat.turn.locked():
            await cl.context.emitter.send_toast(text("busy", chat.language))
            return
        session.current_task = _spawn(self._run_button(session, chat, turn, action.name))

    async def _run_button(self, session: WebsocketSession, chat: Chat, turn: Turn, name: str) -> None:
        async with chat.turn:
            await cl.context.emitter.task_start()
            try:
                with spans.turn(session.thread_id, name) if name in _ANSWERING else nullcontext():
                    await self._act(session, chat, turn, name)
            finally:
                await cl.context.emitter.task_end()

    async def _act(self, session: WebsocketSession, chat: Chat, turn: Turn, name: str) -> None:
        if name in {"previous", "next"}:
            turn.chosen = min(max(turn.chosen + (1 if name == "next" else -1), 0), len(turn.answers) - 1)
            view = chat.views[turn.id]
            await view.begin(turn.answers[turn.chosen])
            await view.finish(turn)
            await self._keeper.save(session, chat, turn)
        elif name in {"earlier_question", "later_question"}:
            await self._switch(session, chat, turn, 1 if name == "later_question" else -1)
        elif name == "continue" and turn.answer:
            await self._answer(session, chat, turn, turn.answer)
        else:
            if name == "retry" and not await self._engine_restarted(chat, turn):
                return
            turn.answers = [answer for answer in turn.answers if not answer.empty]
            turn.chosen = min(turn.chosen, len(turn.answers) - 1)
            await self._answer(session, chat, turn, Answer())

    async def _switch(self, session: WebsocketSession, chat: Chat, turn: Turn, step: int) -> None:
        """Shows the branch of another version of the turn's question: `step` -1 the one before, 1 the one after."""
        versions = chat.conversation.versions(turn)
        at = next(n for n, version in enumerate(versions) if version is turn) + step
        chat.conversation.switch(versions[min(max(at, 0), len(versions) - 1)].id)
        for other in chat.conversation.aside:
            if view := chat.views.pop(other.id, None):
                await view.remove_buttons()
        before = set(chat.views)
        steps, elements = resuming.show(session, chat, config.ui.name)
        await cl.context.emitter.emit("resume_thread", {"id": session.thread_id, "steps": steps, "elements": elements})
        await chat.show_buttons(lambda other: other.id not in before)
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
        _spawn(give_up(session, session.socket_id, 0 if session.to_clear else GRACE_SECONDS))

    async def resume(self, thread: ThreadDict) -> None:
        """A thread of the history is opened; what `thread` holds afterwards is shown."""
        session = _session()
        chat = chat_of(session)
        chat.fresh = True
        await resuming.resume(self._keeper.history, session, chat, thread, config.ui.name)
        _spawn(self._offer_settings(chat))

    async def returned(self, session: WebsocketSession) -> None:
        """The browser came back in time, and gets what it missed; or it has opened a thread, which gets its buttons."""
        chat = chat_of(session)
        if chat.fresh:
            chat.fresh = False
            await chat.show_buttons()
        elif session.restored and not chat.conversation.turns:
            # A page that has just learned its preset connects a second time; the panel may have gone to the first.
            _spawn(self._offer_settings(chat))
        if chat.running:
            await cl.context.emitter.task_start()
            await chat.running.resend()


async def _show_pictures(element: Any, stored: Stored, message_id: str) -> None:
    """Shows the pictures made of a file that browsers cannot show, in its place."""
    if stored.shown_as_it_is:
        return
    await element.remove()
    for picture in stored.pictures:
        await cl.Image(path=picture.path, name=picture.name, display="inline").send(for_id=message_id)


async def _refuse_file(error: PictureError | OSError, name: str, chat: Chat, parent_id: str) -> None:
    if isinstance(error, PictureError):
        words = text(error.key, chat.language, **error.values)
    else:
        _log.error("could not store a picture", exc_info=error)
        words = text("picture_not_stored", chat.language, name=name)
    await _refuse(words, parent_id)


async def _refuse(words: str, parent_id: str) -> None:
    refusal = cl.Message(content=words, parent_id=parent_id)
    refusal.is_error = True
    await refusal.send()


def _session() -> WebsocketSession:
    session = cl.context.session
    assert isinstance(session, WebsocketSession)
    return session


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work)
    _background.add(task)
    task.add_done_callback(_background.discard)
    return task
