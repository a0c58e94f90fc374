"""The thread that a browser names when it connects: it is opened where it is the person's own, and never made.

Chainlit would begin a thread under any id that a browser makes up: that of somebody else's pictures, or of a thread
that was deleted in another tab. A session that names a thread which is not there begins one under an id of the server,
and `arrivals.py` has Chainlit say once that the named one is not there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from chainlit.server import sio
from chainlit.session import WebsocketSession

from app.history.store import History
from app.history.users import Users
from app.page.live_chats import chat_of
from app.talk.conversation import new_id


def guard_thread_ids(history: History, users: Users) -> None:
    """Wraps the handler of new connections."""
    connect: Callable[..., Awaitable[Any]] = sio.handlers["/"]["connect"]

    async def guarded(sid: str, environ: dict[str, Any], auth: Any) -> Any:
        connected = await connect(sid, environ, auth)
        if session := WebsocketSession.get(sid):
            await own_thread_only(history, users, session)
        return connected

    sio.on("connect", guarded)


async def own_thread_only(history: History, users: Users, session: WebsocketSession) -> None:
    """Gives a session another thread where the one that its browser has named is not there for this person.

    Raises:
        HistoryError: the database does not answer.
    """
    named = session.thread_id_to_resume
    # A session that has turns of the thread was let in before; so was one that goes on where it was disconnected.
    if not named or session.thread_id != named or chat_of(session).conversation.turns:
        return
    if not await history.of(await users.id_of(session.user)).has(named):
        session.thread_id = new_id()
