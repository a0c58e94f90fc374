"""Has what happens in a live chat written down, and says in the page when that fails."""

from __future__ import annotations

import logging

import chainlit as cl
from chainlit.session import WebsocketSession
from chainlit.user import PersistedUser

from app.chats import Chat
from app.conversation import Turn
from app.history.along import Along
from app.history.database import HistoryError
from app.history.store import History, ThreadGoneError
from app.history.users import Users
from app.i18n import text
from app.view import show_note

_log = logging.getLogger("app.history")


class Keeper:
    """Writes the turns of all live chats."""

    def __init__(self, history: History, users: Users) -> None:
        self.history = history
        self.along = Along(history)
        self._users = users

    async def save(self, session: WebsocketSession, chat: Chat, turn: Turn) -> bool:
        """Writes a turn, and those that could not be written before. A failure is logged and said in the page.

        Returns:
            False: the thread has been deleted meanwhile, so that nothing more belongs into it.
        """
        chat.unsaved[turn.id] = turn
        named = bool(turn.text.strip()) or chat.kept
        try:
            thread = session.thread_id if chat.kept else await self._new(session)
            last = chat.conversation.turns[-1].id
            await self.history.save(thread, list(chat.unsaved.values()), session.chat_settings, last)
        except ThreadGoneError:
            return False
        except HistoryError as error:
            _log.error("a chat could not be saved: %s", error)
            await _say_once(chat, turn)
            return True
        chat.unsaved.clear()
        chat.kept, chat.warned = True, False
        if not named:
            # The sidebar has it without a name, for want of words.
            name = turn.pictures[0].name if turn.pictures else ""
            await cl.context.emitter.emit("first_interaction", {"interaction": name, "thread_id": session.thread_id})
        return True

    async def _new(self, session: WebsocketSession) -> tuple[str, str, str]:
        assert session.user
        user = session.user
        user_id = user.id if isinstance(user, PersistedUser) else (await self._users.get(user.identifier)).id
        return session.thread_id, user_id, session.chat_profile or ""


async def _say_once(chat: Chat, turn: Turn) -> None:
    """Puts the failure into the page: a line in the chat, once until something is saved again."""
    if chat.warned:
        return
    chat.warned = True
    view = chat.views.get(turn.id)
    await show_note(text("not_saved", chat.language), view.parent_id if view else None)
