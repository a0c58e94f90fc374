"""uvicorn's websocket, with a small limit until somebody has signed in on it."""

from __future__ import annotations

from asyncio.transports import BaseTransport
from typing import Any, ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.access.limits.attempts import network_of
from app.access.limits.connections import CONNECTION, Crowd, GuardedProtocol, end
from app.access.limits.rooms import Room

BEFORE_LOGIN_BYTES = 64 * 1024
"""Of one message, which is uvicorn's `ws_max_size` here, and of all messages before somebody has signed in."""
MESSAGE_CHARACTERS = 4 * 1024 * 1024
"""The largest event of a browser's socket. A larger one ends the connection without an explanation, so a
text that is only too long for the model has to be smaller."""
_MESSAGE_BYTES = 3 * MESSAGE_CHARACTERS
"""The same in Chinese."""
_WITH_FRAMES_BYTES = 2 * BEFORE_LOGIN_BYTES
CONNECT_SECONDS = 20.0
"""From the opening of a socket until somebody has signed in on it. A slow telephone needs two or three."""


class GuardedWebSocket(WebSocketsSansIOProtocol):
    """One websocket; `room` is shared by all on which nobody has signed in."""

    room: ClassVar[Room[GuardedWebSocket]] = Room(most=256, seconds=CONNECT_SECONDS)
    crowd: ClassVar[Crowd] = GuardedProtocol.crowd
    network = ""
    unread: tuple[int, float] | None = None
    _before_login = 0
    """Bytes that have come since the handshake."""

    def send_away(self) -> None:
        """Ends it, without waiting for the other side to close it."""
        end(self.transport)

    def connection_made(self, transport: BaseTransport) -> None:
        """As asyncio calls it."""
        super().connection_made(transport)
        self.network = network_of(self.client[0]) if self.client else ""
        self.crowd.enter(self)
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio calls it."""
        self.room.leave(self)
        self.crowd.leave(self)
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        """As uvicorn calls it when the head has come."""
        super().handle_connect(event)
        if not self.close_sent:
            scope: Any = self.scope
            scope[CONNECTION] = self

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        if self.handshake_complete and self in self.room:
            self._before_login += len(data)
            if self._before_login > _WITH_FRAMES_BYTES:
                self.transport.abort()
                return
        super().data_received(data)

    def admit(self, owner: str) -> None:
        """Somebody has signed in on it."""
        self.room.leave(self)
        self.crowd.recognise(self, owner)
        self.conn.max_message_size = _MESSAGE_BYTES

    def dismiss(self) -> None:
        """The person has signed out; the other side has the usual time to close."""
        if not self.disconnected and not self.transport.is_closing():
            self._before_login = 0
            self.conn.max_message_size = BEFORE_LOGIN_BYTES
            self.crowd.forget(self)
            self.room.enter(self)
