"""Who gets a session on a socket, and how many; runs before Chainlit's own handlers.

The browser chooses the session's id, and Chainlit creates and deletes a folder with that name. So only canonical
random UUIDs are accepted, never `../..`.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from socketio import AsyncServer

from app.access.signed_in import owner_of
from app.i18n import language_of, text
from app.page.chat import MOST_MEMORY
from app.page.live_chats import Session, all_sessions, chat_of, forget, session_of
from app.sockets.browser import BrowserSocket
from app.sockets.events import set_limits, socket_of
from app.sockets.seats import SOCKETS_OF_ONE, Seat, Seats

_SESSIONS_OF_ONE = 128
"""The most sessions that Chainlit keeps for a user, including windows closed within the last hour."""
_OWNER = "kimi.owner"
"""The key of the owner in a session's environment."""
Handler = Callable[..., Awaitable[Any]]


def guard(sio: AsyncServer) -> None:
    """Wraps Chainlit's handlers and ours, which must already be registered, with the limits."""
    set_limits(sio)
    guards = _Guards(sio)
    sio.on("connect", guards.connect)
    sio.on("disconnect", guards.disconnect)
    sio.on("connection_successful", guards.connection_successful)


def is_session_id(value: object) -> bool:
    """Whether it is a version 4 UUID in canonical form."""
    if not isinstance(value, str):
        return False
    try:
        parsed = uuid.UUID(value)
    except ValueError:
        return False
    return parsed.version == 4 and str(parsed) == value


class _Guards:
    """The handlers, each of which wraps the one registered before."""

    def __init__(self, sio: AsyncServer) -> None:
        self._sio = sio
        handlers: dict[str, Handler] = sio.handlers["/"]
        self._connect = handlers["connect"]
        self._disconnect = handlers["disconnect"]
        self._open = handlers["connection_successful"]
        self._seats = Seats(self._is_busy)
        self._sockets: dict[str, BrowserSocket] = {}
        """The signed-in sockets, by their Socket.IO id."""

    async def connect(self, sid: str, environ: dict[str, Any], auth: Any) -> Any:
        """Accepts a browser's connection, or raises ConnectionRefusedError."""
        _check(auth)
        socket = socket_of(self._sio, sid)
        owner = owner_of(environ["asgi.scope"])
        # Checked first, because Chainlit would log a line for every stranger.
        if socket is None or owner is None:
            raise ConnectionRefusedError("authentication failed")
        if self._seats.too_often(owner):
            raise ConnectionRefusedError("too many connections")
        environ[_OWNER] = owner
        answer = await self._connect(sid, environ, auth)
        if socket.gone or socket.closed:
            return answer
        socket.admit(owner)
        self._sockets[sid] = socket
        for other in self._seats.take(socket):
            await self._show_out(other)
        await self._forget_sessions(owner)
        return answer

    async def disconnect(self, sid: str, *reason: str) -> None:
        """Removes a socket that has been closed, by either side."""
        if socket := self._sockets.pop(sid, None):
            self._seats.leave(socket)
            socket.dismiss()
        await self._disconnect(sid)

    async def connection_successful(self, sid: str) -> None:
        """Sends a browser its chat, once for each connection, as browsers request it."""
        socket = self._sockets.get(sid)
        if socket is None or socket.opened:
            return
        socket.opened = True
        await self._open(sid)
        await self._make_room(socket.owner, sid)

    def _is_busy(self, seat: Seat) -> bool:
        sid = self._sid_of(seat)
        session = session_of(sid) if sid else None
        return bool(session and chat_of(session).tasks)

    def _sid_of(self, seat: Seat) -> str | None:
        return next((sid for sid, socket in self._sockets.items() if socket is seat), None)

    async def _show_out(self, seat: Seat) -> None:
        """Disconnects a user's oldest window, which does not reconnect (public/sending.js)."""
        # Looked up by its socket, since its session may have moved to another one.
        if sid := self._sid_of(seat):
            await self._say_good_bye(sid, "too_many_windows", most=SOCKETS_OF_ONE)

    async def _say_good_bye(self, sid: str, key: str, **values: object) -> None:
        language = language_of(self._sio.get_environ(sid).get("HTTP_ACCEPT_LANGUAGE"))
        await self._sio.emit("toast", {"message": text(key, language, **values), "type": "warning"}, to=sid)
        await self._sio.emit("too_many_windows", {}, to=sid)
        await self._sio.disconnect(sid)

    async def _forget_sessions(self, owner: str) -> None:
        """Drops a user's surplus sessions whose windows are closed, oldest first."""
        theirs = _sessions_of(owner)
        for session in theirs[: max(0, len(theirs) - _SESSIONS_OF_ONE)]:
            if not chat_of(session).tasks and not self._is_open(session):
                await forget(session)

    async def _make_room(self, owner: str, opened: str) -> None:
        """Drops a user's oldest chats and disconnects their windows if all together take too much memory.

        Nothing is lost: chats with a running answer or unsaved changes stay, and so does the window `opened`.
        """
        theirs = _sessions_of(owner)
        taken = sum(chat_of(session).size for session in theirs)
        # Closed windows first.
        for session in sorted(theirs, key=self._is_open):
            chat = chat_of(session)
            if taken <= MOST_MEMORY:
                return
            if session.socket_id == opened or not chat.size or chat.tasks or chat.unsaved:
                continue
            taken -= chat.size
            if self._is_open(session):
                await self._say_good_bye(session.socket_id, "too_much_open")
            await forget(session)

    def _is_open(self, session: Session) -> bool:
        return bool(self._sio.manager.is_connected(session.socket_id, "/"))


def _sessions_of(owner: str) -> list[Session]:
    """A user's sessions, oldest first."""
    return [session for session in all_sessions() if session.environ.get(_OWNER) == owner]


def _check(auth: Any) -> None:
    if not isinstance(auth, dict) or not is_session_id(auth.get("sessionId")):
        raise ConnectionRefusedError("bad session id")
    if auth.get("threadId") and not is_session_id(auth["threadId"]):
        raise ConnectionRefusedError("bad thread id")
    for key in ("userEnv", "chatProfile"):
        if not isinstance(auth.get(key), str | None):
            raise ConnectionRefusedError("bad session")
