"""What keeps connections that ask for nothing from taking the places of those that do: uvicorn's HTTP protocol, with
limits that it has not.

uvicorn waits for ever for the end of a request's head, and holds as many such connections as the system has files. Here
a head has its size, and its time as soon as nothing is being answered on its connection; and of connections that wait
for one only so many are held, in all and of one network; above that the one that has waited longest goes. So an honest
newcomer, whose head follows at once, always gets in, also where everybody comes from the same proxy.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.attempts import network_of

_LARGEST_HEAD = 64 * 1024


class WaitingRoom:
    """The connections whose next request has not come with its whole head yet."""

    def __init__(self, seconds: float = 20.0, of_one: int = 64, of_all: int = 512) -> None:
        self._seconds = seconds
        self._of_one = of_one
        self._of_all = of_all
        self._waiting: dict[GuardedProtocol, asyncio.TimerHandle] = {}
        """In the order in which they came."""
        self._of_network: Counter[str] = Counter()

    def __contains__(self, connection: GuardedProtocol) -> bool:
        return connection in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, connection: GuardedProtocol) -> None:
        """Has a connection wait from now on; sends another one away where there are too many."""
        if connection in self._waiting:
            return
        if self._of_network[connection.network] >= self._of_one:
            self._send_away(next(other for other in self._waiting if other.network == connection.network))
        elif len(self._waiting) >= self._of_all:
            self._send_away(next(iter(self._waiting)))
        self._waiting[connection] = connection.loop.call_later(self._seconds, self._send_away, connection)
        self._of_network[connection.network] += 1

    def leave(self, connection: GuardedProtocol) -> None:
        """Its head has come, or it has gone."""
        if timer := self._waiting.pop(connection, None):
            timer.cancel()
            self._of_network[connection.network] -= 1
            if not self._of_network[connection.network]:
                del self._of_network[connection.network]

    def _send_away(self, connection: GuardedProtocol) -> None:
        self.leave(connection)
        connection.transport.close()


class GuardedProtocol(HttpToolsProtocol):
    """One connection; `room` is shared by all of them."""

    room: ClassVar[WaitingRoom] = WaitingRoom()
    network = ""
    """Whom the peer's address stands for."""
    _head = 0
    """Bytes of the head that have come so far."""
    _in_body = False

    # Narrower than asyncio's own, as uvicorn's is.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As asyncio calls it."""
        super().connection_made(transport)
        self.network = network_of(self.client[0]) if self.client else ""
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """As asyncio calls it."""
        self.room.leave(self)
        super().connection_lost(exc)

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        self.room.leave(self)
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """As the parser calls it."""
        self._in_body = False
        super().on_message_complete()

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        if not self._in_body:
            # All of it is head, unless a head ends in it: that begins the count anew.
            self._head += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self.parser is None or self.transport.get_protocol() is not self:
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering:
            # The first byte ends uvicorn's own limit for a connection that is kept: of a head, or of the rest of a body
            # that was answered before it had come.
            self.room.enter(self)
        if self._head > _LARGEST_HEAD:
            if answering:
                # Whatever were written here would be read as part of the answer.
                self.transport.abort()
            else:
                self.send_400_response("The head of the request is too large.")
