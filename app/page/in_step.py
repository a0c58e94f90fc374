"""Synchronises sessions that have the same thread open: in tabs, on other devices, in other web processes.

Every thread has a revision in the database. One query fetches those of all open threads every two seconds; after a
write in this process, another fetches those of the threads that several sessions have open here. A session whose
thread has a newer revision merges the changes and shows them, after its turn if one is running.
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
"""The least time between two checks, however much is written."""
_log = logging.getLogger("app.history")


class InStep:
    """Synchronises the sessions of this process."""

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
        """Updates every session that can be updated now; the next check retries what fails.

        Unless `everywhere`, only changes made in this process are considered.
        """
        try:
            await self._look(everywhere)
            self._failing = False
        except HistoryError as error:
            if not self._failing:
                _log.warning("could not fetch the changes of other sessions: %s", error)
            self._failing = True
        except Exception:
            _log.exception("could not show the changes of other sessions")

    async def _look(self, everywhere: bool) -> None:
        sessions = self._sessions()
        if not everywhere:
            # What the only session of a thread writes is not new to any other session here.
            open_in = Counter(session.thread_id for session, _ in sessions)
            sessions = [(session, chat) for session, chat in sessions if open_in[session.thread_id] > 1]
        sessions = [(session, chat) for session, chat in sessions if _may_merge(session, chat)]
        copies = [chat.copy for _, chat in sessions if chat.copy]
        revisions = await self._keeper.history.revisions(copies) if copies else []
        for (session, chat), copy, revision in zip(sessions, copies, revisions, strict=True):
            if revision is not None and revision > copy.revision:
                # One task each, because Chainlit's context belongs to a session.
                await asyncio.create_task(self._catch_up(session, chat))

    async def _catch_up(self, session: WebsocketSession, chat: Chat) -> None:
        if not _may_merge(session, chat):
            # It has begun a turn since the query.
            return
        async with chat.turn:
            assert chat.copy
            if news := await self._keeper.history.news(chat.copy):
                init_ws_context(session)
                known = {turn.id for turn in (*chat.conversation.turns, *chat.conversation.aside)}
                new = [turn for turn in news.turns if turn.id not in known]
                chat.lost |= await asyncio.to_thread(
                    leave_out_lost_pictures, new, self._keeper.history.uploads / session.thread_id
                )
                await _show(session, chat, merge(chat.conversation, chat.copy, news))


def _may_merge(session: WebsocketSession, chat: Chat) -> bool:
    """Whether a browser is connected, and no running turn or unsaved change could conflict."""
    connected = sio.manager.is_connected(session.socket_id, "/")
    return chat.kept and connected and not chat.turn.locked() and not chat.unsaved


async def _show(session: WebsocketSession, chat: Chat, merged: Merged) -> None:
    for turn in merged.changed:
        # A turn that the page has not received has no view.
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
