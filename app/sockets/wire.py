"""uvicorn's websocket, with a small limit until a user has signed in."""

from __future__ import annotations

from asyncio.transports import BaseTransport
from typing import Any, ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.access.limits.attempts import network_of
from app.access.limits.connections import CONNECTION, Crowd, GuardedProtocol, end
from app.access.limits.rooms import Room

BEFORE_LOGIN_BYTES = 64 * 1024
"""The limit of one message, which is also uvicorn's `ws_max_size`, and of all messages together before signing in."""
MESSAGE_CHARACTERS = 4 * 1024 * 1024
"""The largest event of a browser's socket. A larger one closes the connection without an explanation, so this must
exceed any text that is merely too long for the model."""
_MESSAGE_BYTES = 3 * MESSAGE_CHARACTERS
"""The same in bytes, at three for a Chinese character."""
_WITH_FRAMES_BYTES = 2 * BEFORE_LOGIN_BYTES
CONNECT_SECONDS = 20.0
"""The time to sign in after opening a socket. A slow phone needs two or three."""


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One websocket; `room` is shared by all that are not signed in."""

    room: ClassVar[Room[GuardedWebSocket]] = Room(most=256, seconds=CONNECT_SECONDS)
    crowd: ClassVar[Crowd] = GuardedProtocol.crowd
    network = ""
    unread: tuple[int, float] | None = None
    _before_login = 0
    """Bytes received since the handshake."""

    def send_away(self) -> None:
        """Closes it, without waiting for the other side."""
        end(self.transport)

    def connection_made(self, transport: BaseTransport) -> None:
        """Called by asyncio: starts counting the connection and timing its sign-in."""
        super().connection_made(transport)
        self.network = network_of(self.client[0]) if self.client else ""
        self.crowd.enter(self)
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: stops counting the connection."""
        self.room.leave(self)
        self.crowd.leave(self)
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        """Called by uvicorn after the head: puts the connection into the scope."""
        super().handle_connect(event)
        if not self.close_sent:
            scope: Any = self.scope
            scope[CONNECTION] = self

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: applies the limit before signing in."""
        if self.handshake_complete and self in self.room:
            self._before_login += len(data)
            if self._before_login > _WITH_FRAMES_BYTES:
                self.transport.abort()
                return
        super().data_received(data)

    def admit(self, owner: str) -> None:
        """Lifts the limits after a sign-in."""
        self.room.leave(self)
        self.crowd.recognise(self, owner)
        self.conn.max_message_size = _MESSAGE_BYTES

    def dismiss(self) -> None:
        """Restores the limits after a sign-out; the other side has the usual time to close or sign in."""
        if not self.disconnected and not self.transport.is_closing():
            self._before_login = 0
            self.conn.max_message_size = BEFORE_LOGIN_BYTES
            self.crowd.forget(self)
            self.room.enter(self)
