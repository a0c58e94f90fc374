"""Saves the turns of live chats, and reports on the page when that fails."""

from __future__ import annotations

import asyncio
import logging

import chainlit as cl
from chainlit.session import WebsocketSession

from app.background import finished
from app.errors import HistoryError
from app.history.autosave import Autosave
from app.history.copies import Copy
from app.history.store import History, Thread, ThreadGoneError, file_of
from app.history.users import Users
from app.i18n import text
from app.page.answer.frame import show_note
from app.page.chat import Chat
from app.talk.conversation import Turn

_log = logging.getLogger("app.history")


class Keeper:
    """Saves the turns of all live chats."""

    def __init__(self, history: History, users: Users) -> None:
        self.history = history
        self.written = asyncio.Event()
        """Set after every write, so that in_step.py updates other sessions."""
        self.autosave = Autosave(history, self.written.set)
        self._users = users

    async def load(self, session: WebsocketSession) -> Thread | None:
        """The thread that a session continues; None if it begins a new one, or names one that is not its user's.

        Raises:
            HistoryError: the database does not answer.
        """
        return await self.history.of(await self._users.id_of(session.user)).load(session.thread_id)

    async def has_thread_of(self, session: WebsocketSession) -> bool:
        """Whether the thread that a session continues exists and belongs to its user.

        Raises:
            HistoryError: the database does not answer.
        """
        return await self.history.of(await self._users.id_of(session.user)).has(session.thread_id)

    async def save(self, session: WebsocketSession, chat: Chat, turn: Turn) -> bool:
        """Saves a turn, and those that could not be saved before. A failure is logged and shown on the page.

        Returns:
            False if the thread has been deleted, so it takes no more turns.
        """
        chat.unsaved[turn.id] = turn
        is_new = not chat.kept
        try:
            await self._write(session, chat)
        except ThreadGoneError:
            return False
        except HistoryError as error:
            _log.error("a chat could not be saved: %s", error)
            await _say_once(chat, turn)
            return True
        if is_new and (turn.pictures or not turn.text.strip()):
            # By this event the page reads its list of chats again, which has no name yet, or not the file's.
            await cl.context.emitter.emit(
                "first_interaction", {"interaction": file_of([turn]), "thread_id": session.thread_id}
            )
        return True

    @finished
    async def _write(self, session: WebsocketSession, chat: Chat) -> None:
        copy = await self.copy_of(session, chat)
        last = chat.conversation.turns[-1].id
        await self.history.save(copy, list(chat.unsaved.values()), session.chat_settings, last)
        chat.unsaved.clear()
        chat.warned = False
        self.written.set()

    async def copy_of(self, session: WebsocketSession, chat: Chat) -> Copy:
        """What the session has seen of its thread; nothing if the thread is new.

        Raises:
            HistoryError: the database does not answer.
        """
        if chat.copy is None:
            user_id = await self._users.id_of(session.user)
            chat.copy = Copy(user_id, session.thread_id, session.chat_profile or "")
        return chat.copy


async def _say_once(chat: Chat, turn: Turn) -> None:
    """Shows the failure as a line in the chat, once until saving works again."""
    if chat.warned:
        return
    chat.warned = True
    view = chat.views.get(turn.id)
    await show_note(text("not_saved", chat.language, chat.admin), view.parent_id if view else None)
