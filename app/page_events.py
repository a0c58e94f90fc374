"""What a page sends about the turns that it shows: an edited question, and its wish for the turns before them."""

from __future__ import annotations

import logging
from typing import Any

from chainlit.config import config
from chainlit.context import init_ws_context
from chainlit.server import sio
from chainlit.session import WebsocketSession

from app.chats import chat_of
from app.history import resuming
from app.history.database import HistoryError
from app.history.store import History

_log = logging.getLogger("app.chat")


async def edit_message(sid: str, payload: dict[str, Any]) -> None:
    """Shows the new words and asks them like a new question; `Conversation.ask` knows the old one by its id.

    The browser has taken everything below the question off its page when it sends this. It replaces Chainlit's handler,
    which works on a list of messages beside our conversation: in a chat that was opened again that list had every
    message twice, and the second copy of the question was taken off the page.

    Raises:
        ValueError: the session is unknown.
    """
    session = WebsocketSession.require(sid)
    question = payload["message"]
    changed = {"id": question["id"], "output": question["output"]}
    await init_ws_context(session).emitter.emit("update_message", changed)
    await sio.handlers["/"]["client_message"](sid, {"message": question})


async def earlier_turns(history: History, sid: str, asked: object) -> None:
    """Sends a page the turns before its first one: `asked` is `{"before": the id of that question}`.

    Nothing is sent where the page is gone or the database does not answer: the page asks again.
    """
    session = WebsocketSession.get(sid)
    first = asked.get("before") if isinstance(asked, dict) else None
    if session is None or not isinstance(first, str):
        return
    chat = chat_of(session)
    try:
        await resuming.load(history, session, chat)
    except HistoryError as error:
        _log.error("a chat could not be read: %s", error)
        return
    init_ws_context(session)
    await resuming.show_earlier(session, chat, first, config.ui.name)


def register(history: History) -> None:
    """Takes these events from now on."""

    async def earlier(sid: str, asked: object) -> None:
        await earlier_turns(history, sid, asked)

    sio.on("edit_message", edit_message)
    sio.on("earlier_turns", earlier)
