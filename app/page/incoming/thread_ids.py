"""The thread that a browser names when it connects: opened if it is the user's own, and never created.

Chainlit would create a thread under any id that a browser makes up: that of another user's pictures, or of a thread
that was deleted in another tab. A session that names a thread which does not exist gets a new one, with an id chosen
by the server, and `arrivals.py` makes Chainlit report once that the named one is missing.
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
    """Wraps Chainlit's handler of new connections."""
    connect: Callable[..., Awaitable[Any]] = sio.handlers["/"]["connect"]

    async def guarded(sid: str, environ: dict[str, Any], auth: Any) -> Any:
        connected = await connect(sid, environ, auth)
        if session := WebsocketSession.get(sid):
            await own_thread_only(history, users, session)
        return connected

    sio.on("connect", guarded)


async def own_thread_only(history: History, users: Users, session: WebsocketSession) -> None:
    """Gives a session a new thread if the one that its browser named does not exist or belongs to another user.

    Raises:
        HistoryError: the database does not answer.
    """
    named = session.thread_id_to_resume
    # A session that has turns of the thread was checked before; so was one that reconnects.
    if not named or session.thread_id != named or chat_of(session).conversation.turns:
        return
    if not await history.of(await users.id_of(session.user)).has(named):
        session.thread_id = new_id()
