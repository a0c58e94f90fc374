"""Engine.IO's end of one browser's socket, with limits on what arrives, what waits to be sent, and running events.

A socket that exceeds a limit is closed at once. A browser then reconnects and gets the current state of its chat;
any other client has to start over.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Coroutine
from typing import Any, ClassVar

from engineio import exceptions
from engineio.async_socket import AsyncSocket
from engineio.packet import CLOSE, MESSAGE, PING, PONG, UPGRADE, Packet

from app.access.limits.connections import CONNECTION
from app.access.limits.rooms import Room
from app.background import spawn
from app.sockets.packets import BadPacketError
from app.sockets.wire import BEFORE_LOGIN_BYTES, CONNECT_SECONDS, MESSAGE_CHARACTERS, GuardedWebSocket

MB = 1024 * 1024
BEHIND_BYTES = 32 * MB
"""What may wait behind the packet being sent: a minute's worth on a slow line. A single packet may be larger, because a
long chat is sent in one."""
_ALL_BEHIND_BYTES = 256 * MB
"""The limit for all browsers together."""
_FAR_BEHIND_BYTES = MB
"""Below this, a send does not trigger the check of that limit."""
_EVENTS_AT_ONCE = 64
_EVENT_BYTES_AT_ONCE = 16 * MB
_PACKETS_IN_A_BODY = 16
_CONTROL_CHARACTERS = 16
"""The most characters of Engine.IO's own packets, which are a digit and at most the word `probe`."""
_POLLED_BYTES = 2 * MB
_READ = {str(kind) for kind in (CLOSE, PING, PONG, MESSAGE, UPGRADE)}
_log = logging.getLogger("app.sockets")


class BrowserSocket(AsyncSocket):  # type: ignore[misc] # python-engineio ships no types
    """One browser's socket. `lobby` holds those that are not signed in yet."""

    lobby: ClassVar[Room[BrowserSocket]] = Room(most=512, seconds=CONNECT_SECONDS)

    def __init__(self, server: Any, sid: str) -> None:
        super().__init__(server, sid)
        self.network = ""
        self.owner = ""
        """The signed-in user; empty if there is none."""
        self.gone = False
        """Whether it was closed by this side."""
        self.opened = False
        """Whether its chat has been requested."""
        self._wire: GuardedWebSocket | None = None
        self._came = 0
        """Characters received before signing in."""
        self._waiting = 0
        """Bytes queued for sending."""
        self._in_hand = 0
        """Bytes being sent."""
        self._events: dict[asyncio.Task[None], int] = {}

    # Sign-in.

    def admit(self, owner: str) -> None:
        """Lifts the limits of a socket on which a user has signed in."""
        self.owner = owner
        self.lobby.leave(self)
        if self._wire:
            self._wire.admit(owner)

    def dismiss(self) -> None:
        """Restores those limits after a sign-out; the user may sign in again within the usual time."""
        self.owner, self._came = "", 0
        if not self.closed and not self.gone:
            self.lobby.enter(self)
            if self._wire:
                self._wire.dismiss()

    def send_away(self) -> None:
        """Closes the socket."""
        self.hang_up()

    def hang_up(self) -> None:
        """Closes the socket at once, and drops what was queued for it."""
        if self.gone:
            return
        self.gone = True
        while not self.queue.empty():
            self.queue.get_nowait()
            self.queue.task_done()
        self._waiting = 0
        if self._wire:
            self._wire.transport.abort()
        # In a task, so that the sender does not wait for the end of the session.
        spawn(self._end())

    async def _end(self) -> None:
        await self.close(wait=False, abort=True, reason=self.server.reason.SERVER_DISCONNECT)
        self.server.sockets.pop(self.sid, None)
        # Ends a poll that waits for something to send.
        await self.queue.put(None)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """Called by Engine.IO: closes the socket, which leaves the lobby."""
        self.lobby.leave(self)
        await super().close(wait, abort, reason)

    # Incoming.

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        wire = environ["asgi.scope"].get(CONNECTION)
        if isinstance(wire, GuardedWebSocket):
            if self._wire:
                # A browser upgrades only once.
                return self.server._bad_request()
            self._wire = wire
            if self.owner:
                # Now, because a large packet may follow as soon as the upgrade is complete.
                wire.admit(self.owner)
        return await super()._upgrade_websocket(environ)

    async def _websocket_handler(self, ws: Any) -> None:
        await super()._websocket_handler(_CheckedWebSocket(ws, self))

    def check(self, text: object) -> None:
        """Checks an Engine.IO packet before it is parsed.

        Raises:
            BadPacketError: no browser sends it, or it exceeds the limit before signing in.
        """
        if not isinstance(text, str) or text[:1] not in _READ or len(text) > MESSAGE_CHARACTERS:
            raise BadPacketError
        if text[0] != str(MESSAGE) and len(text) > _CONTROL_CHARACTERS:
            raise BadPacketError
        # Engine.IO would parse anything else than a Socket.IO packet as JSON.
        if text[0] == str(MESSAGE) and text[1:2] not in set("0123456"):
            raise BadPacketError
        if not self.owner:
            self._came += len(text)
            if self._came > BEFORE_LOGIN_BYTES:
                raise BadPacketError

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Called by Engine.IO: reads packets that arrive by HTTP.

        Raises:
            EngineIOError: they are too large or malformed; the socket is closed.
        """
        length = environ.get("CONTENT_LENGTH", "0")
        if not length.isdigit() or int(length) > (_POLLED_BYTES if self.owner else BEFORE_LOGIN_BYTES):
            self.hang_up()
            raise exceptions.ContentTooLongError
        body = await environ["wsgi.input"].read(int(length))
        try:
            for text in _packets(body):
                self.check(text)
                await self.receive(Packet(encoded_packet=text))
        except BadPacketError:
            self.hang_up()
            raise exceptions.EngineIOError from None

    async def receive(self, pkt: Packet) -> None:
        """Called by Engine.IO: handles a packet.

        Raises:
            SocketIsClosedError: this packet got the socket closed.
        """
        await super().receive(pkt)
        if self.gone:
            raise exceptions.SocketIsClosedError

    def start(self, event: Coroutine[Any, Any, None], size: int) -> None:
        """Handles an event of `size` bytes concurrently with others; closes the socket if there are too many."""
        if len(self._events) >= _EVENTS_AT_ONCE or sum(self._events.values(), size) > _EVENT_BYTES_AT_ONCE:
            event.close()
            self.hang_up()
            return
        task = asyncio.ensure_future(event)
        self._events[task] = size
        task.add_done_callback(self._handled)

    def _handled(self, task: asyncio.Task[None]) -> None:
        del self._events[task]
        if not task.cancelled() and (error := task.exception()):
            _log.error("an event of a browser could not be handled", exc_info=error)

    # Outgoing.

    async def send(self, pkt: Packet) -> None:
        """Called by Engine.IO: queues a packet; closes the socket if the browser is too far behind."""
        if self.gone or not await self.check_ping_timeout():
            return
        size = _size(pkt)
        if self._waiting and self._waiting + size > BEHIND_BYTES:
            self.hang_up()
            return
        self._waiting += size
        await self.queue.put(pkt)
        if self.behind > _FAR_BEHIND_BYTES:
            _end_the_farthest_behind(self.server.sockets.values())

    @property
    def behind(self) -> int:
        """Bytes in this process that the browser has not read yet."""
        written = self._wire.transport.get_write_buffer_size() if self._wire else 0
        return int(self._waiting + self._in_hand + written)

    async def poll(self) -> list[Packet]:
        """Called by Engine.IO: returns what to send next."""
        self._in_hand = 0
        if self.upgraded:
            packets = await self._next()
        else:
            packets = await super().poll()
        self._in_hand = sum(map(_size, packets))
        self._waiting = max(0, self._waiting - self._in_hand)
        return packets

    async def _next(self) -> list[Packet]:
        """Only the next packet, so that the rest still counts as waiting."""
        if self.queue.empty():
            try:
                seconds = self.server.ping_interval + self.server.ping_timeout
                packet = await asyncio.wait_for(self.queue.get(), seconds)
            except (TimeoutError, asyncio.CancelledError):
                raise exceptions.QueueEmpty from None
        else:
            packet = self.queue.get_nowait()
        self.queue.task_done()
        return [] if packet is None else [packet]


class _CheckedWebSocket:
    """The websocket as Engine.IO uses it, with every packet checked."""

    def __init__(self, websocket: Any, socket: BrowserSocket) -> None:
        self._socket = socket
        self._wait = websocket.wait
        self.send = websocket.send
        self.close = websocket.close

    async def wait(self) -> Any:
        """The next packet. Raises OSError if it gets the socket closed, as for a lost connection."""
        text = await self._wait()
        try:
            self._socket.check(text)
        except BadPacketError:
            self._socket.hang_up()
            raise OSError from None
        return text


def _packets(body: bytes) -> list[str]:
    packets = body.decode("utf-8", "replace").split("\x1e", _PACKETS_IN_A_BODY) if body else []
    if len(packets) > _PACKETS_IN_A_BODY:
        raise BadPacketError
    return packets


def _size(packet: Packet) -> int:
    return sys.getsizeof(packet.data) if packet is not None and isinstance(packet.data, str | bytes) else 64


def _end_the_farthest_behind(sockets: Any) -> None:
    """If too much waits for all browsers together, closes a socket of the user for whom most is waiting."""
    behind = {socket: socket.behind for socket in sockets}
    if sum(behind.values()) <= _ALL_BEHIND_BYTES:
        return
    of_owner: Counter[str] = Counter()
    for socket, size in behind.items():
        of_owner[socket.owner] += size
    [(owner, _)] = of_owner.most_common(1)
    max((socket for socket in behind if socket.owner == owner), key=behind.__getitem__).hang_up()
