"""What a page asks of the turns that it shows: those before them."""

from __future__ import annotations

import logging

from chainlit.config import config
from chainlit.context import init_ws_context
from chainlit.server import sio
from chainlit.session import WebsocketSession

from app.chats import chat_of
from app.history import resuming
from app.history.database import HistoryError
from app.history.keeper import Keeper

_log = logging.getLogger("app.chat")


async def earlier_turns(keeper: Keeper, sid: str, asked: object) -> None:
    """Sends a page the turns before its first one: `asked` is `{"before": the id of that question}`.

    Nothing is sent where the page is gone or the database does not answer: the page asks again.
    """
    session = WebsocketSession.get(sid)
    first = asked.get("before") if isinstance(asked, dict) else None
    if session is None or not isinstance(first, str):
        return
    chat = chat_of(session)
    try:
        await resuming.load(keeper, session, chat)
    except HistoryError as error:
        _log.error("a chat could not be read: %s", error)
        return
    init_ws_context(session)
    await resuming.show_earlier(session, chat, first, config.ui.name)


def register(keeper: Keeper) -> None:
    """Takes this event from now on."""

    async def earlier(sid: str, asked: object) -> None:
        await earlier_turns(keeper, sid, asked)

    sio.on("earlier_turns", earlier)
