"""The socket's events that the page takes itself, in the place of Chainlit's handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import chainlit as cl
from chainlit.context import init_ws_context
from chainlit.server import sio
from chainlit.session import WebsocketSession
from chainlit.socket import process_message
from chainlit.types import MessagePayload

from app.chats import Chat, chat_of
from app.i18n import text
from app.settings import stored


def replace_socket_handlers(
    returned: Callable[[WebsocketSession], Awaitable[None]], settings_changed: Callable[[], Awaitable[None]]
) -> None:
    """Takes questions and settings within their limits, and stops what is answered without an English message.

    `returned` is called when a browser has connected, `settings_changed` in the context of the session whose panel was
    confirmed.
    """
    connected, edited = (sio.handlers["/"][name] for name in ("connection_successful", "edit_message"))

    async def connection_successful(sid: str) -> None:
        await connected(sid)
        if session := WebsocketSession.get(sid):
            await returned(session)

    async def client_message(sid: str, payload: MessagePayload) -> None:
        session = WebsocketSession.require(sid)
        chat, size = chat_of(session), len(repr(payload))
        if chat.admits(size):
            chat.take(asyncio.create_task(process_message(session, payload)), size)
        else:
            await _refuse(session, chat)

    async def edit_message(sid: str, payload: MessagePayload) -> None:
        session = WebsocketSession.require(sid)
        chat, size, task = chat_of(session), len(repr(payload)), asyncio.current_task()
        if task and chat.admits(size):
            chat.take(task, size)
            await edited(sid, payload)
        else:
            await _refuse(session, chat)

    async def chat_settings_change(sid: str, settings: object) -> None:
        session = WebsocketSession.require(sid)
        init_ws_context(session)
        session.chat_settings = {**session.chat_settings, **stored(settings)}
        await settings_changed()

    async def stop(sid: str) -> None:
        if session := WebsocketSession.get(sid):
            chat_of(session).stop()

    for handler in (connection_successful, client_message, edit_message, chat_settings_change, stop):
        sio.on(handler.__name__, handler)


async def _refuse(session: WebsocketSession, chat: Chat) -> None:
    """Says that a question was not taken. Its text stays on the page; nothing is kept of it here."""
    context = init_ws_context(session)
    refusal = cl.Message(content=text("too_many_waiting", chat.language))
    refusal.is_error = True
    await context.emitter.send_step(refusal.to_dict())
