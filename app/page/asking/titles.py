"""Gives a chat a title after its first answer."""

from __future__ import annotations

import logging
from typing import Any

from chainlit.session import WebsocketSession

from app.errors import HistoryError
from app.history.store import first_name
from app.page.chat import Chat
from app.page.live_chats import has_chat
from app.page.threads.saving import Keeper
from app.talk.conversation import Turn
from app.turn.titles import make_title, makes_titles
from app.upstream.state import EngineState

_log = logging.getLogger("app.page")


class Titles:
    """Makes the titles of all chats; `wanted` is KIMI_TITLES."""

    def __init__(self, state: EngineState, keeper: Keeper, wanted: str) -> None:
        self._state = state
        self._keeper = keeper
        self._wanted = wanted

    def wants(self, chat: Chat, turn: Turn) -> bool:
        """Whether the chat gets a title now: its first question has its first complete answer."""
        client = self._state.client()
        first = len(chat.conversation.turns) == 1 and not chat.conversation.aside and len(turn.answers) == 1
        complete = turn.answer is not None and turn.answer.ending == "stop"
        return first and complete and client is not None and makes_titles(client, self._wanted)

    async def give(self, session: WebsocketSession, chat: Chat, turn: Turn) -> None:
        """Names the chat, unless its user has renamed it, and shows the name in the list."""
        client = self._state.client()
        if client is None or not (title := await make_title(client, turn)):
            return
        try:
            copy = await self._keeper.copy_of(session, chat)
            own = self._keeper.history.of(copy.user_id)
            if not await own.retitle(copy.thread_id, first_name([turn]), title):
                return
        except HistoryError as error:
            _log.warning("a chat could not get its title: %s", error)
            return
        if has_chat(session):
            # By this event the page reads its list of chats again.
            emit: Any = session.emit
            await emit("first_interaction", {"interaction": title, "thread_id": copy.thread_id})
