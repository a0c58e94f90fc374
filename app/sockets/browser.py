"""Engine.IO's end of one browser's socket, with limits for what comes, what waits to be sent, and what is being done.

A socket that goes beyond a limit is closed at once. A browser then connects again and is shown its chat as it
is by then; whatever else it was has to begin from the start.
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
"""What may wait behind a packet that a browser is reading: a minute's worth of a slow line. A single packet may be
larger, for a long chat is sent in one."""
_ALL_BEHIND_BYTES = 256 * MB
"""What may wait for all browsers together."""
_FAR_BEHIND_BYTES = MB
"""A socket with less is not looked at when all are counted together."""
_EVENTS_AT_ONCE = 64
_EVENT_BYTES_AT_ONCE = 16 * MB
_PACKETS_IN_A_BODY = 16
_CONTROL_CHARACTERS = 16
"""Engine.IO's own packets are a digit and at most the word `probe`."""
_POLLED_BYTES = 2 * MB
_READ = {str(kind) for kind in (CLOSE, PING, PONG, MESSAGE, UPGRADE)}
_log = logging.getLogger("app.sockets")


class BrowserSocket(AsyncSocket):  # type: ignore[misc] # python-engineio ships no types
    """One browser's socket. `lobby` holds those on which nobody has signed in yet."""

    lobby: ClassVar[Room[BrowserSocket]] = Room(most=512, seconds=CONNECT_SECONDS)

    def __init__(self, server: Any, sid: str) -> None:
        super().__init__(server, sid)
        self.network = ""
        self.owner = ""
        """Who has signed in on it; empty: nobody."""
        self.gone = False
        """Whether it was ended here."""
        self.opened = False
        """Whether its chat has been asked for."""
        self._wire: GuardedWebSocket | None = None
        self._came = 0
        """Characters that came before anybody signed in."""
        self._waiting = 0
        """Bytes that nobody has begun to send."""
        self._in_hand = 0
        """Bytes that are being sent."""
        self._events: dict[asyncio.Task[None], int] = {}

    # Who may use it.

    def admit(self, owner: str) -> None:
        """Somebody has signed in on it."""
        self.owner = owner
        self.lobby.leave(self)
        if self._wire:
            self._wire.admit(owner)

    def dismiss(self) -> None:
        """They have signed out, and may sign in again within the usual time."""
        self.owner, self._came = "", 0
        if not self.closed and not self.gone:
            self.lobby.enter(self)
            if self._wire:
                self._wire.dismiss()

    def send_away(self) -> None:
        """Ends it."""
        self.hang_up()

    def hang_up(self) -> None:
        """Ends it at once, and forgets what it was to be sent."""
        if self.gone:
            return
        self.gone = True
        while not self.queue.empty():
            self.queue.get_nowait()
            self.queue.task_done()
        self._waiting = 0
        if self._wire:
            self._wire.transport.abort()
        # In a task of its own: what is sending something must not wait for the end of the session.
        spawn(self._end())

    async def _end(self) -> None:
        await self.close(wait=False, abort=True, reason=self.server.reason.SERVER_DISCONNECT)
        self.server.sockets.pop(self.sid, None)
        # Ends a request that waits for something to be sent.
        await self.queue.put(None)

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """As Engine.IO calls it."""
        self.lobby.leave(self)
        await super().close(wait, abort, reason)

    # What comes.

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:
        wire = environ["asgi.scope"].get(CONNECTION)
        if isinstance(wire, GuardedWebSocket):
            if self._wire:
                # A browser tries it once.
                return self.server._bad_request()
            self._wire = wire
            if self.owner:
                # At once: what the browser could not send so far may be large, and come with the end of the upgrade.
                wire.admit(self.owner)
        return await super()._upgrade_websocket(environ)

    async def _websocket_handler(self, ws: Any) -> None:
        await super()._websocket_handler(_CheckedWebSocket(ws, self))

    def check(self, text: object) -> None:
        """Looks at a packet of Engine.IO's before it is read.

        Raises:
            BadPacketError: no browser sends it, or it is too much for somebody who has not signed in.
        """
        if not isinstance(text, str) or text[:1] not in _READ or len(text) > MESSAGE_CHARACTERS:
            raise BadPacketError
        if text[0] != str(MESSAGE) and len(text) > _CONTROL_CHARACTERS:
            raise BadPacketError
        # What is no packet of Socket.IO's would be read as JSON here.
        if text[0] == str(MESSAGE) and text[1:2] not in set("0123456"):
            raise BadPacketError
        if not self.owner:
            self._came += len(text)
            if self._came > BEFORE_LOGIN_BYTES:
                raise BadPacketError

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """As Engine.IO calls it for packets that come by HTTP.

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
        """As Engine.IO calls it with what came.

        Raises:
            SocketIsClosedError: this packet ended the socket.
        """
        await super().receive(pkt)
        if self.gone:
            raise exceptions.SocketIsClosedError

    def start(self, event: Coroutine[Any, Any, None], size: int) -> None:
        """Has an event of `size` bytes handled beside the others; ends the socket where there are too many."""
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

    # What goes.

    async def send(self, pkt: Packet) -> None:
        """As Engine.IO calls it; ends the socket where the browser is too far behind."""
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
        """Bytes that the browser has not read yet, as far as they are in this process."""
        written = self._wire.transport.get_write_buffer_size() if self._wire else 0
        return int(self._waiting + self._in_hand + written)

    async def poll(self) -> list[Packet]:
        """As Engine.IO calls it for what is to be sent next."""
        self._in_hand = 0
        if self.upgraded:
            packets = await self._next()
        else:
            packets = await super().poll()
        self._in_hand = sum(map(_size, packets))
        self._waiting = max(0, self._waiting - self._in_hand)
        return packets

    async def _next(self) -> list[Packet]:
        """The next packet alone, so that what is not being sent yet still counts as waiting."""
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
    """The websocket as Engine.IO uses it, which sees nothing that was not checked."""

    def __init__(self, websocket: Any, socket: BrowserSocket) -> None:
        self._socket = socket
        self._wait = websocket.wait
        self.send = websocket.send
        self.close = websocket.close

    async def wait(self) -> Any:
        """What came next. Raises OSError where it ends the socket, as for one that has gone."""
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
    """Ends one socket of the person for whom the page holds most, if it holds too much for all together."""
    behind = {socket: socket.behind for socket in sockets}
    if sum(behind.values()) <= _ALL_BEHIND_BYTES:
        return
    of_owner: Counter[str] = Counter()
    for socket, size in behind.items():
        of_owner[socket.owner] += size
    [(owner, _)] = of_owner.most_common(1)
    max((socket for socket in behind if socket.owner == owner), key=behind.__getitem__).hang_up()
