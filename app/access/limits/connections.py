"""What keeps connections that ask for nothing, or read nothing, from taking the places of those that do.

uvicorn waits without limit for the end of a request's head and for the reader of a response, and holds as many such
connections as the system has files. `GuardedProtocol` is uvicorn's HTTP protocol with limits:

- A head has its size, and its time as soon as nothing is being answered on its connection.
- All connections together leave some of the process's files free (`Crowd`). When they are used up, connections that
  nobody has signed in on give way to new ones.
- A peer that does not read what was written to it is cut off.
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
"""The key under which a scope holds the connection that it came by."""
_LARGEST_HEAD = 64 * 1024
_MOST = 16_384
_FREE = 96
"""Files that connections leave to the database, the logs, the engine's connections and the uploads, at least."""
_NEWCOMERS = 32
"""Connections that are let in however many people are there."""
_OF_ONE = 256
"""Connections of one person, or of one program, that do not give way."""
_LOOK_SECONDS = 5.0
_UNREAD_SECONDS = 60.0
_LEAST_READ = 64 * 1024
"""Bytes that a peer must read within that time: about one kilobyte a second."""


class Connection(Guest, Protocol):
    """One open connection, over HTTP or a websocket."""

    transport: asyncio.Transport
    unread: tuple[int, float] | None
    """How many bytes had been written and not been read, and when."""


def most_connections() -> int:
    """How many connections may be open at once, by the limit of open files as it is now."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY or files > _MOST + _MOST // 8:
        return _MOST
    return max(files - max(files // 8, _FREE), files // 2)


class Crowd:
    """All open connections. Those of people who have signed in stay; the others share the places that are left."""

    def __init__(self, most: Callable[[], int] = most_connections, of_one: int = _OF_ONE) -> None:
        self._most = most
        self._of_one = of_one
        self._all: set[Connection] = set()
        self._known: dict[Connection, str] = {}
        """Those of people, and whose they are."""
        self._of_owner: Counter[str] = Counter()
        self._strangers: Room[Connection] = Room(lambda: max(_NEWCOMERS, most() - len(self._known)))

    def __len__(self) -> int:
        return len(self._all)

    def enter(self, connection: Connection) -> None:
        """Counts a connection that has just been opened, as a stranger's."""
        self._all.add(connection)
        self._strangers.enter(connection)

    def leave(self, connection: Connection) -> None:
        """Forgets a connection that has gone."""
        self._all.discard(connection)
        self._strangers.leave(connection)
        self._no_longer(connection)

    def recognise(self, connection: Connection, owner: str) -> None:
        """Somebody has signed in on it, or a program has shown its key: it no longer gives way.

        Beyond the number for one owner, and where nearly all places are people's, it still does.
        """
        if connection not in self._all or connection in self._known:
            return
        if self._of_owner[owner] < self._of_one and len(self._known) < self._most() - _NEWCOMERS:
            self._strangers.leave(connection)
            self._known[connection] = owner
            self._of_owner[owner] += 1

    def forget(self, connection: Connection) -> None:
        """What made it known is over: its answer has been given, or its socket has signed out."""
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
        """Ends connections whose peer has read less than `least` bytes in `seconds` of what was written to it."""
        now = time.monotonic()
        for connection in list(self._all):
            unread = connection.transport.get_write_buffer_size()
            before = connection.unread
            if not unread:
                connection.unread = None
            elif before is None or abs(unread - before[0]) >= least:
                # Some was read, or a new message was written, for which the one before had to be read.
                connection.unread = (unread, now)
            elif now - before[1] >= seconds:
                # Not close(), which waits until everything is read.
                connection.transport.abort()

    async def keep_cutting_off(self) -> None:
        """Does so every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.cut_off_unread()


def recognise(scope: Scope, owner: str) -> None:
    """Says who the request of this scope comes from: somebody who may be here."""
    connection = scope.get(CONNECTION)
    if isinstance(connection, GuardedProtocol):
        connection.crowd.recognise(connection, owner)


def end(transport: asyncio.Transport) -> None:
    """Closes a connection without waiting for a peer that reads nothing."""
    if transport.get_write_buffer_size():
        transport.abort()
    else:
        transport.close()


class GuardedProtocol(HttpToolsProtocol):
    """One connection; `room` and `crowd` are shared by all of them."""

    room: ClassVar[Room[GuardedProtocol]] = Room(most=512, seconds=20.0)
    """Those whose next request has not come with its whole head yet."""
    crowd: ClassVar[Crowd] = Crowd()
    network = ""
    unread: tuple[int, float] | None = None
    _head = 0
    """Bytes of the head that have come so far."""
    _in_body = False

    def send_away(self) -> None:
        """Ends it."""
        end(self.transport)

    # Narrower than asyncio's own, as uvicorn's is.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
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

    def handle_websocket_upgrade(self) -> None:
        """As uvicorn calls it; from here on the transport is the websocket's."""
        self.crowd.leave(self)
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """As the parser calls it."""
        super().on_message_begin()
        scope: Any = self.scope
        scope[CONNECTION] = self

    def on_headers_complete(self) -> None:
        """As the parser calls it."""
        self.room.leave(self)
        self._head, self._in_body = 0, True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """As the parser calls it."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn calls it."""
        self.crowd.forget(self)
        super().on_response_complete()

    def data_received(self, data: bytes) -> None:
        """As asyncio calls it."""
        if not self._in_body:
            # All of it is head, unless a head ends in it: then the count begins again.
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
