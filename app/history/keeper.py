"""Has what happens in a live chat written down, and says in the page when that fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import chainlit as cl
from chainlit.session import WebsocketSession
from chainlit.user import PersistedUser

from app.chats import Chat
from app.conversation import Answer, Turn
from app.history.database import HistoryError
from app.history.store import History, ThreadGoneError
from app.history.users import Users
from app.i18n import text
from app.view import show_note

_WRITE_SECONDS = 2.0
"""How much of an answer may be lost when the machine goes off."""
_log = logging.getLogger("app.history")


class Keeper:
    """Writes the turns of all live chats."""

    def __init__(self, history: History, users: Users) -> None:
        self.history = history
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

    @asynccontextmanager
    async def writing(self, turn: Turn, answer: Answer) -> AsyncIterator[None]:
        """Writes an answer every other second while it is being given."""
        writer = asyncio.create_task(self._write_along(turn, answer))
        try:
            yield
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    async def _write_along(self, turn: Turn, answer: Answer) -> None:
        written = (answer.reasoning, answer.text)
        while True:
            await asyncio.sleep(_WRITE_SECONDS)
            if (answer.reasoning, answer.text) == written:
                continue
            written = (answer.reasoning, answer.text)
            try:
                await self.history.save_answer(answer, turn.id, _place(turn, answer))
            except HistoryError as error:
                # Said in the page when the answer is complete and still can't be written.
                _log.warning("an answer could not be saved yet: %s", error)


def _place(turn: Turn, answer: Answer) -> int:
    return next((n for n, other in enumerate(turn.answers) if other is answer), len(turn.answers))


async def _say_once(chat: Chat, turn: Turn) -> None:
    """Puts the failure into the page: a line in the chat, once until something is saved again."""
    if chat.warned:
        return
    chat.warned = True
    view = chat.views.get(turn.id)
    await show_note(text("not_saved", chat.language), view.parent_id if view else None)
