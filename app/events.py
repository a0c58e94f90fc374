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
    connected = sio.handlers["/"]["connection_successful"]

    async def connection_successful(sid: str) -> None:
        await connected(sid)
        if session := WebsocketSession.get(sid):
            await returned(session)

    async def chat_settings_change(sid: str, settings: object) -> None:
        session = WebsocketSession.require(sid)
        init_ws_context(session)
        session.chat_settings = {**session.chat_settings, **stored(settings)}
        await settings_changed()

    for handler in (connection_successful, client_message, edit_message, chat_settings_change, stop):
        sio.on(handler.__name__, handler)


async def client_message(sid: str, payload: MessagePayload) -> None:
    """A question: answered in a task of its own."""
    session = WebsocketSession.require(sid)
    chat, size = chat_of(session), len(repr(payload))
    if chat.admits(size):
        chat.take(asyncio.create_task(process_message(session, payload)), size)
    else:
        await _refuse(session, chat)


async def edit_message(sid: str, payload: MessagePayload) -> None:
    """Shows the new words and asks them like a new question; `Conversation.ask` knows the old one by its id.

    The browser has taken everything below the question off its page when it sends this. It replaces Chainlit's handler,
    which works on a list of messages beside our conversation: in a chat that was opened again that list had every
    message twice, and the second copy of the question was taken off the page.

    Raises:
        ValueError: the session is unknown.
    """
    question = payload["message"]
    changed = {"id": question["id"], "output": question["output"]}
    await init_ws_context(WebsocketSession.require(sid)).emitter.emit("update_message", changed)
    await client_message(sid, {"message": question})


async def stop(sid: str) -> None:
    """The answer on the page is to end."""
    if session := WebsocketSession.get(sid):
        chat_of(session).stop()


async def _refuse(session: WebsocketSession, chat: Chat) -> None:
    """Says that a question was not taken. Its text stays on the page; nothing is kept of it here."""
    context = init_ws_context(session)
    refusal = cl.Message(content=text("too_many_waiting", chat.language))
    refusal.is_error = True
    await context.emitter.send_step(refusal.to_dict())
