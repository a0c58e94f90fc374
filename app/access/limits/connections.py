"""Keeps idle and stalled connections from crowding out useful ones.

uvicorn waits forever for the rest of a request's head and for a client to read a response, and accepts such
connections until the process runs out of file descriptors. `GuardedProtocol` is uvicorn's HTTP protocol with limits:

- A head has a maximum size, and a time limit while no response is in progress on its connection.
- All connections together leave some of the process's file descriptors free (`Crowd`). When the rest is used up,
  connections without a sign-in are closed in favour of new ones.
- A peer that does not read its response is cut off.
"""

from __future__ import annotations

import asyncio
import resource
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.access.limits.attempts import network_of
from app.access.limits.rooms import Guest, Room

CONNECTION = "kimi.connection"
"""The key of the connection in a request's scope."""
_LARGEST_HEAD = 64 * 1024
_MOST = 16_384
_FREE = 96
"""File descriptors reserved for the database, the logs, the connections to the engine and the uploads."""
_NEWCOMERS = 32
"""Connections without a sign-in that are accepted, however many users are connected."""
_OF_ONE = 256
"""The most protected connections of one user or program."""
_LOOK_SECONDS = 5.0
_UNREAD_SECONDS = 60.0
_LEAST_READ = 64 * 1024
"""Bytes that a peer must read within `_UNREAD_SECONDS`: about one kilobyte a second."""


class Connection(Guest, Protocol):
    """One open connection, over HTTP or a websocket."""

    transport: asyncio.Transport
    unread: tuple[int, float] | None
    """How many bytes the peer had not read yet, and at what time."""


def most_connections() -> int:
    """How many connections may be open at once, given the current limit of open files."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY or files > _MOST + _MOST // 8:
        return _MOST
    return max(files - max(files // 8, _FREE), files // 2)


class Crowd:
    """All open connections. Those of signed-in users are protected; the others share the remaining places."""

    def __init__(self, most: Callable[[], int] = most_connections, of_one: int = _OF_ONE) -> None:
        self._most = most
        self._of_one = of_one
        self._all: set[Connection] = set()
        self._known: dict[Connection, str] = {}
        """The protected connections, with their owners."""
        self._of_owner: Counter[str] = Counter()
        self._strangers: Room[Connection] = Room(lambda: max(_NEWCOMERS, most() - len(self._known)))

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, connection: Connection) -> None:
        """Adds a new connection, not signed in."""
        self._all.add(connection)
        self._strangers.enter(connection)

    def leave(self, connection: Connection) -> None:
        """Removes a closed connection."""
        self._all.discard(connection)
        self._strangers.leave(connection)
        self._no_longer(connection)

    def recognise(self, connection: Connection, owner: str) -> None:
        """Protects a connection on which a user has signed in, or a program has presented its key.

        Not beyond the limit for one owner, and not while nearly all places are protected.
        """
        if connection not in self._all or connection in self._known:
            return
        if self._of_owner[owner] < self._of_one and len(self._known) < self._most() - _NEWCOMERS:
            self._strangers.leave(connection)
            self._known[connection] = owner
            self._of_owner[owner] += 1

    def forget(self, connection: Connection) -> None:
        """Ends the protection of a connection, whose response is complete or whose socket has signed out."""
        if connection in self._known:
            self._no_longer(connection)
            self._strangers.enter(connection)

    def _no_longer(self, connection: Connection) -> None:
        owner = self._known.pop(connection, None)
        if owner is not None:
            self._of_owner[owner] -= 1
            if not self._of_owner[owner]:
                del self._of_owner[owner]

    def cut_off_unread(self, seconds: float = _UNREAD_SECONDS, least: int = _LEAST_READ) -> None:
        """Aborts connections whose peer has read less than `least` bytes of its response in `seconds`."""
        now = time.monotonic()
        for connection in list(self._all):
            unread = connection.transport.get_write_buffer_size()
            before = connection.unread
            if not unread:
                connection.unread = None
            elif before is None or abs(unread - before[0]) >= least:
                # Some was read, or a new message was written, which happens only once the previous one was read.
                connection.unread = (unread, now)
            elif now - before[1] >= seconds:
                # Not close(), which would wait until everything is read.
                connection.transport.abort()

    async def keep_cutting_off(self) -> None:
        """Calls `cut_off_unread` every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.cut_off_unread()


def recognise(scope: Scope, owner: str) -> None:
    """Protects the connection of a request that `owner` is allowed to make."""
    connection = scope.get(CONNECTION)
    if isinstance(connection, GuardedProtocol):
        connection.crowd.recognise(connection, owner)


def end(transport: asyncio.Transport) -> None:
    """Closes a connection without waiting for a peer that does not read."""
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        transport.close()


class GuardedProtocol(HttpToolsProtocol):
    """One connection; `room` and `crowd` are shared by all of them."""

    room: ClassVar[Room[GuardedProtocol]] = Room(most=512, seconds=20.0)
    """Connections that have not sent the whole head of their next request."""
    crowd: ClassVar[Crowd] = Crowd()
    network = ""
    unread: tuple[int, float] | None = None
    _head = 0
    """Bytes of the head received so far."""
    _in_body = False

    def send_away(self) -> None:
        """Closes the connection."""
        end(self.transport)

    # Narrower than asyncio's signature, as uvicorn's is.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by asyncio: starts counting the connection and timing its first head."""
        super().connection_made(transport)
        self.network = network_of(self.client[0]) if self.client else ""
        self.crowd.enter(self)
        self.room.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by asyncio: stops counting the connection."""
        self.room.leave(self)
        self.crowd.leave(self)
        super().connection_lost(exc)

    def handle_websocket_upgrade(self) -> None:
        """Called by uvicorn: stops counting the connection, since its transport now belongs to the websocket."""
        self.crowd.leave(self)
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Called by the parser: puts the connection into the request's scope."""
        super().on_message_begin()
        scope: Any = self.scope
        scope[CONNECTION] = self

    def on_headers_complete(self) -> None:
        """Called by the parser: ends the limits of the head."""
        self.room.leave(self)
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Called by the parser: what follows is the next head."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called by uvicorn: the next request must prove its owner again."""
        self.crowd.forget(self)
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        """Called by asyncio: applies the limits of the head."""
        if not self._in_body:
            # Counts all of it as head; if a head ends within it, the count starts over.
            self._head += len(data)
        super().data_received(data)
        if self.transport.is_closing() or self.parser is None or self.transport.get_protocol() is not self:
            return
        answering = self.cycle is not None and not self.cycle.response_complete
        if not answering:
            # uvicorn's keep-alive timeout ends at the first byte: of the next head, or of the rest of a body that was
            # answered early.
            self.room.enter(self)
        if self._head > _LARGEST_HEAD:
            if answering:
                # Anything written here would become part of the response in progress.
                self.transport.abort()
            else:
                self.send_400_response("The head of the request is too large.")
