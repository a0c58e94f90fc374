"""Chats whose page turned to another one while they were answered: the answers go on in the background.

The user's windows mark these chats in their lists, and get a notice when an answer is done, or when it waits for the
user's decision on a tool. If the last window has
been closed for `GRACE_SECONDS`, nobody waits for these answers any more, and they are stopped like any other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import Any

from chainlit.server import sio

from app.background import spawn
from app.errors import HistoryError
from app.history.store import History
from app.page.chat import Chat
from app.page.live_chats import Session, all_sessions, chat_of, forget, has_chat, in_background, leave, owner_of

GRACE_SECONDS = 10.0
"""How long a browser may be disconnected before its answers are stopped."""
_LOOK_SECONDS = 2.0
_MOST_DONE = 50
"""How many unread answers of one user are remembered."""
_MOST_USERS = 1000
_log = logging.getLogger("app.page")


class LeftChats:
    """Follows the left chats of all users to the end of their answers."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._done: OrderedDict[str, dict[str, bool]] = OrderedDict()
        """By user: the chats whose answer is done but was not looked at, and whether it failed; oldest first."""

    def take(self, session: Session, chat: Chat) -> None:
        """Takes over a session whose page turns to another chat while this one is answered."""
        leave(session)
        spawn(self._follow(session, chat))

    async def opened(self, session: Session) -> None:
        """Tells a page that has connected which chats to mark; the one that it shows is no longer marked."""
        owner = owner_of(session)
        if self._done.get(owner, {}).pop(session.thread_id, None) is not None or chat_of(session).tasks:
            # It was marked in the other windows, too.
            await self._send_all_marks(owner)
        else:
            await self._send_marks(session)

    async def _follow(self, session: Session, chat: Chat) -> None:
        owner = owner_of(session)
        try:
            await self._send_all_marks(owner)
            await self._until_answered(session, chat)
            if has_chat(session):
                if chat.ended in {"stop", "length", "error"}:
                    await self._report(session, chat, failed=chat.ended == "error")
                await self._send_all_marks(owner)
        finally:
            await forget(session)

    async def _until_answered(self, session: Session, chat: Chat) -> None:
        """Waits for its answers, and gives them up once their owner has no window open for a while."""
        owner, seen, asking = owner_of(session), time.monotonic(), chat.asking
        while chat.tasks:
            await asyncio.wait(list(chat.tasks), timeout=_LOOK_SECONDS)
            if has_chat(session) and chat.asking != asking:
                asking = chat.asking
                await self._send_all_marks(owner)
                if asking:
                    notice = {"id": session.thread_id, "name": await self._name(chat)}
                    await _send(self._windows(owner), "chat_asks", notice)
            if self._windows(owner):
                seen = time.monotonic()
            elif has_chat(session) and time.monotonic() - seen > GRACE_SECONDS:
                chat.give_up()

    async def _report(self, session: Session, chat: Chat, *, failed: bool) -> None:
        """Marks the chat as done and sends a notice, unless a window shows it anyway."""
        owner, thread_id = owner_of(session), session.thread_id
        windows = self._windows(owner)
        if any(window.thread_id == thread_id for window in windows):
            return
        done = self._done.setdefault(owner, {})
        done[thread_id] = failed
        if len(done) > _MOST_DONE:
            del done[next(iter(done))]
        self._done.move_to_end(owner)
        if len(self._done) > _MOST_USERS:
            self._done.popitem(last=False)
        notice = {"id": thread_id, "name": await self._name(chat), "failed": failed}
        await _send(windows, "answer_done", notice)

    async def _name(self, chat: Chat) -> str:
        try:
            head = await self._history.of(chat.copy.user_id).head(chat.copy.thread_id) if chat.copy else None
        except HistoryError as error:
            _log.warning("the name of an answered chat could not be read: %s", error)
            return ""
        return head.name or "" if head else ""

    async def _send_all_marks(self, owner: str) -> None:
        for window in self._windows(owner):
            await self._send_marks(window)

    async def _send_marks(self, window: Session) -> None:
        owner = owner_of(window)
        at_work = in_background(owner)
        asking = [session.thread_id for session in at_work if chat_of(session).asking]
        writing = [session.thread_id for session in at_work]
        marks = {"writing": writing, "asking": asking, "done": self._done.get(owner, {})}
        await _send([window], "chat_marks", marks)

    def _windows(self, owner: str) -> list[Session]:
        """The user's connected windows."""
        connected = sio.manager.is_connected
        return [one for one in all_sessions() if connected(one.socket_id, "/") and owner_of(one) == owner]


async def _send(windows: list[Session], event: str, data: Any) -> None:
    for window in windows:
        # Chainlit's annotation says that it returns nothing.
        sending: Any = window.emit
        await sending(event, data)
