"""Keeps sessions in step that have the same thread open: in tabs, on other devices, in other web processes.

Every thread has a revision in the database. One query asks for those of all open threads every other second, and at
once after something was written here for those of threads that several sessions have open here. A session whose thread
has a newer one takes the news in and shows it, unless it is answering: then afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import chainlit as cl
from chainlit.config import config
from chainlit.context import init_ws_context
from chainlit.server import sio
from chainlit.session import WebsocketSession

from app.errors import HistoryError
from app.history.merging import Merged, merge
from app.page.chat import Chat
from app.page.live_chats import live
from app.page.threads.resuming import leave_out_lost_pictures, page_of
from app.page.threads.saving import Keeper

_LOOK_SECONDS = 2.0
_REST_SECONDS = 0.2
"""However much is written, no more than so many looks in a second."""
_log = logging.getLogger("app.history")


class InStep:
    """Looks after the sessions of this process."""

    def __init__(self, keeper: Keeper, sessions: Callable[[], list[tuple[WebsocketSession, Chat]]] = live) -> None:
        self._keeper = keeper
        self._sessions = sessions
        self._failing = False

    async def keep(self) -> None:
        """Brings sessions up to date, until cancelled."""
        now = asyncio.get_running_loop().time
        due = now()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._keeper.written.wait(), due - now())
            self._keeper.written.clear()
            everywhere = now() >= due
            if everywhere:
                due = now() + _LOOK_SECONDS
            await self.look(everywhere=everywhere)
            await asyncio.sleep(_REST_SECONDS)

    async def look(self, *, everywhere: bool = True) -> None:
        """Brings every session up to date that can be now; what fails is tried again at the next look.

        Only what was written in this process is looked for if not `everywhere`.
        """
        try:
            await self._look(everywhere)
            self._failing = False
        except HistoryError as error:
            if not self._failing:
                _log.warning("other sessions' changes are not known: %s", error)
            self._failing = True
        except Exception:
            _log.exception("other sessions' changes could not be shown")

    async def _look(self, everywhere: bool) -> None:
        sessions = self._sessions()
        if not everywhere:
            # What the only session in a thread writes is no news to anybody here.
            open_in = Counter(session.thread_id for session, _ in sessions)
            sessions = [(session, chat) for session, chat in sessions if open_in[session.thread_id] > 1]
        sessions = [(session, chat) for session, chat in sessions if _may_merge(session, chat)]
        copies = [chat.copy for _, chat in sessions if chat.copy]
        revisions = await self._keeper.history.revisions(copies) if copies else []
        for (session, chat), copy, revision in zip(sessions, copies, revisions, strict=True):
            if revision is not None and revision > copy.revision:
                # A task of its own each: Chainlit's context is the session's.
                await asyncio.create_task(self._catch_up(session, chat))

    async def _catch_up(self, session: WebsocketSession, chat: Chat) -> None:
        if not _may_merge(session, chat):
            # It has begun a turn meanwhile.
            return
        async with chat.turn:
            assert chat.copy
            if news := await self._keeper.history.news(chat.copy):
                init_ws_context(session)
                known = {turn.id for turn in (*chat.conversation.turns, *chat.conversation.aside)}
                new = [turn for turn in news.turns if turn.id not in known]
                chat.lost |= await asyncio.to_thread(leave_out_lost_pictures, new)
                await _show(session, chat, merge(chat.conversation, chat.copy, news))


def _may_merge(session: WebsocketSession, chat: Chat) -> bool:
    """Whether there is a browser to show it to, and nothing under way or unsaved that it could interfere with."""
    connected = sio.manager.is_connected(session.socket_id, "/")
    return chat.kept and connected and not chat.turn.locked() and not chat.unsaved


async def _show(session: WebsocketSession, chat: Chat, merged: Merged) -> None:
    for turn in merged.changed:
        # One that the page has not been sent has no view.
        if view := chat.views.get(turn.id):
            view.place = chat.conversation.place(turn)
            await view.show_again(turn)
    page = page_of(session, chat, merged.added, config.ui.name, awaited=True)
    for step in page["steps"]:
        await cl.context.emitter.send_step(step)
    for element in page["elements"]:
        await cl.context.emitter.send_element(element)
    for action in page["actions"]:
        await cl.context.emitter.emit("action", action)
