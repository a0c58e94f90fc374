"""Orders the events of the browser's socket: a chat is opened before a question is asked in it.

Chainlit handles every event in a separate task. A question that arrived while its thread was being opened ran
concurrently, and the thread that was then sent to the page did not contain it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakValueDictionary

import chainlit as cl
from chainlit.context import init_ws_context
from chainlit.server import sio
from chainlit.session import WebsocketSession
from chainlit.socket import process_message
from chainlit.types import MessagePayload

from app.errors import HistoryError
from app.history.store import ThreadGoneError
from app.i18n import text
from app.page.asking.warm_ups import WarmUps
from app.page.chat import MOST_MEMORY
from app.page.live_chats import MOST_IN_BACKGROUND, adopt, chat_of, in_background, owner_of
from app.page.threads import resuming
from app.page.threads.saving import Keeper
from app.talk.conversation import new_id

_OPENINGS_AT_ONCE = 4
"""Chats of one user that may be loaded at once; loading a long chat takes several times its size in memory."""
_LONGEST_ID = 100
"""The most characters of a question's id; a UUID has 36."""
Handler = Callable[..., Awaitable[Any]]
Returned = Callable[[WebsocketSession], Awaitable[None]]


def replace_handlers(keeper: Keeper, returned: Returned, warm_ups: WarmUps) -> None:
    """Wraps Chainlit's handlers of socket events; `returned` is called once a page has connected."""
    arrivals = _Arrivals(keeper, returned, warm_ups)
    sio.on("connect", arrivals.connecting)
    sio.on("connection_successful", arrivals.connected)
    sio.on("client_message", arrivals.asked)
    sio.on("attached", arrivals.attached)
    sio.on("edit_message", arrivals.edited)
    sio.on("stop", stop)


async def stop(sid: str) -> None:
    """Stops the answer, without Chainlit's English message."""
    if session := WebsocketSession.get(sid):
        chat_of(session).stop()


async def give_up(session: WebsocketSession, socket_id: str, seconds: float) -> None:
    """Stops all questions of a session whose page has left this socket and is not back after `seconds`."""
    await asyncio.sleep(seconds)
    if session.socket_id == socket_id:
        chat_of(session).give_up()


class _Arrivals:
    def __init__(self, keeper: Keeper, returned: Returned, warm_ups: WarmUps) -> None:
        self._keeper = keeper
        self._warm_ups = warm_ups
        self._returned = returned
        self._connecting: Handler = sio.handlers["/"]["connect"]
        self._connected: Handler = sio.handlers["/"]["connection_successful"]
        self._openings: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        """By user, as long as a task holds or awaits one."""

    async def connecting(self, sid: str, environ: dict[str, Any], auth: Any) -> Any:
        """Accepts a page, and hands its running answer over to it before the grace period ends."""
        accepted = await self._connecting(sid, environ, auth)
        if session := WebsocketSession.get(sid):
            if auth.get("threadId") and not session.has_first_interaction:
                # A page may reconnect as the same session but for another thread before anything was sent to it.
                session.thread_id = session.thread_id_to_resume = auth["threadId"]
            _adopt(session)
        return accepted

    async def connected(self, sid: str) -> None:
        """Sends a connected page its thread, or what it missed."""
        session = WebsocketSession.get(sid)
        if session is None:
            return
        _adopt(session)
        # The chat's lock first, so that a question waits until the thread is open, however long that takes.
        async with chat_of(session).opening, self._place(session):
            if sio.manager.is_connected(sid, "/"):
                await self._open(session, sid)
                await self._returned(session)

    def _place(self, session: WebsocketSession) -> asyncio.Semaphore:
        """Held while a chat of this user is loaded and sent."""
        return self._openings.setdefault(owner_of(session), asyncio.Semaphore(_OPENINGS_AT_ONCE))

    async def _open(self, session: WebsocketSession, sid: str) -> None:
        if session.thread_id_to_resume and not session.has_first_interaction:
            # Chainlit sends no thread to a session that has connected before, even if that connection broke too early.
            session.restored = False
        try:
            await self._connected(sid)
        except ThreadGoneError:
            # It was deleted after its head was read and before its turns were.
            session.has_first_interaction = False
            await init_ws_context(session).emitter.send_resume_thread_error("")
            _start_new_thread(session)
            await self._connected(sid)
        else:
            if session.thread_id_to_resume and not session.has_first_interaction:
                _start_new_thread(session)

    async def asked(self, sid: str, payload: Any) -> dict[str, Any]:
        """Accepts a question, once: the page sends it again until it is acknowledged.

        Returns:
            An empty dict; or, under `missing`, the ids of files that this session does not have. Then nothing is asked.
        """
        session = WebsocketSession.require(sid)
        chat = chat_of(session)
        async with chat.opening:
            asked, files = _ids(payload)
            if missing := [file for file in files if file not in session.files]:
                return {"missing": missing}
            if asked not in chat.taken and not await self._kept(session, asked):
                self._warm_ups.asked(session, files)
                await _begin(session, payload, asked)
        return {}

    async def edited(self, sid: str, payload: MessagePayload) -> None:
        """Shows a question's new text and asks it like a new question; `Conversation.ask` finds the old one by its id.

        The browser has already removed everything below the question. This replaces Chainlit's handler, which works on
        its own list of messages: in a chat that was opened again, that list had every message twice, and the handler
        removed the second copy of the question from the page.

        Raises:
            ValueError: the session is unknown.
        """
        session = WebsocketSession.require(sid)
        self._warm_ups.asked(session)
        async with chat_of(session).opening:
            question = payload["message"]
            changed = {"id": question["id"], "output": question["output"]}
            await init_ws_context(session).emitter.emit("update_message", changed)
            await _begin(session, {"message": question, "fileReferences": None}, question["id"])

    async def attached(self, sid: str, files: object) -> None:
        """The page has other attachments than before: their ids."""
        if session := WebsocketSession.get(sid):
            self._warm_ups.attached(session, files)

    async def _kept(self, session: WebsocketSession, question: str) -> bool:
        """Whether the thread already has the question, from a web process that has since ended."""
        chat = chat_of(session)
        try:
            await resuming.load(self._keeper, session, chat)
        except HistoryError:
            # The error is shown when the question is asked.
            return False
        return chat.pictures_of(question) is not None


async def _begin(session: WebsocketSession, payload: MessagePayload, question: str) -> None:
    """Answers a question in a new task, or shows on the page why it is rejected.

    The text of a rejected question stays on the page. Nothing of it is kept here, so the user can send it again.
    """
    chat, size = chat_of(session), len(repr(payload))
    if _has_long_id(payload):
        await _refuse(session, "refused_malformed")
    elif chat.size > MOST_MEMORY:
        await _refuse(session, "chat_full")
    elif len(in_background(owner_of(session))) >= MOST_IN_BACKGROUND:
        await _refuse(session, "too_many_answers", most=MOST_IN_BACKGROUND)
    elif chat.admits(size):
        chat.take(question)
        task = asyncio.create_task(process_message(session, payload))
        chat.begin(task, size)
        # Also if it was stopped before it was saved.
        task.add_done_callback(lambda _: chat.settled(question))
    else:
        await _refuse(session, "too_many_waiting")


async def _refuse(session: WebsocketSession, key: str, **values: object) -> None:
    """Shows on the page why a question is rejected."""
    context = init_ws_context(session)
    refusal = cl.Message(content=text(key, chat_of(session).language, **values))
    refusal.is_error = True
    await context.emitter.send_step(refusal.to_dict())


def _adopt(session: WebsocketSession) -> None:
    adopt(session, lambda other: sio.manager.is_connected(other.socket_id, "/"))


def _start_new_thread(session: WebsocketSession) -> None:
    """Gives a session whose thread is gone a new one, so that the next question does not recreate the old one."""
    session.thread_id, session.thread_id_to_resume = new_id(), None


def _ids(payload: Any) -> tuple[str, list[str]]:
    """The ids of a question and of its files; `_begin` and Chainlit reject what is malformed."""
    try:
        asked = new_id() if _has_long_id(payload) else str(payload["message"]["id"])
        return asked, [str(file["id"]) for file in payload.get("fileReferences") or []]
    except (LookupError, TypeError, AttributeError):
        return new_id(), []


def _has_long_id(payload: Any) -> bool:
    """Whether a question's id is longer than the page would make it, since ids are kept with the chat.

    Chainlit accepts a UUID with any number of hyphens.
    """
    try:
        return len(str(payload["message"]["id"])) > _LONGEST_ID
    except (LookupError, TypeError):
        return False
