"""What a page sends besides questions: changed settings, and requests for earlier turns or for a comparison."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from chainlit.config import config
from chainlit.context import init_ws_context
from chainlit.server import sio
from chainlit.session import WebsocketSession

from app.errors import HistoryError
from app.page.asking import comparing
from app.page.live_chats import chat_of
from app.page.threads import resuming
from app.page.threads.saving import Keeper
from app.talk.settings import stored

_log = logging.getLogger("app.page")


async def earlier_turns(keeper: Keeper, sid: str, asked: object) -> None:
    """Sends a page the turns before its first one: `asked` is `{"before": the id of that question}`.

    Sends nothing if the page is gone or the database does not answer: the page asks again.
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


async def compare(sid: str, asked: object) -> None:
    """Sends a page two answers beside each other: `asked` is `{"turn": an id, "pair": two indices of versions}`."""
    session = WebsocketSession.get(sid)
    if session is None or not isinstance(asked, dict):
        return
    turn, pair = asked.get("turn"), asked.get("pair")
    if isinstance(turn, str) and isinstance(pair, list) and [type(at) for at in pair] == [int, int]:
        init_ws_context(session)
        await comparing.show(chat_of(session), turn, (pair[0], pair[1]))


def register(keeper: Keeper, settings_changed: Callable[[], Awaitable[None]]) -> None:
    """Registers the handlers of these events.

    `settings_changed` is called in the context of the session whose settings panel was confirmed.
    """

    async def earlier(sid: str, asked: object) -> None:
        await earlier_turns(keeper, sid, asked)

    async def chat_settings_change(sid: str, settings: object) -> None:
        session = WebsocketSession.require(sid)
        init_ws_context(session)
        session.chat_settings = {**session.chat_settings, **stored(settings)}
        await settings_changed()

    sio.on("earlier_turns", earlier)
    sio.on("compare", compare)
    sio.on("chat_settings_change", chat_settings_change)
