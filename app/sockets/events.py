"""Socket.IO's packets: parsed with limits, one at a time for each socket, and their events handled concurrently."""

from __future__ import annotations

from typing import Any

from engineio import async_server
from socketio import AsyncServer
from socketio.packet import ACK, CONNECT, DISCONNECT

from app.access.limits.attempts import network_of
from app.sockets.browser import BrowserSocket
from app.sockets.packets import BadPacketError, TextPacket, read_packet
from app.sockets.wire import MESSAGE_CHARACTERS

_ROOT = "/"


def set_limits(sio: AsyncServer) -> None:
    """Applies the limits of this package to a server, before the first browser connects."""
    # Engine.IO has no setting for the class of its sockets.
    async_server.async_socket.AsyncSocket = BrowserSocket
    sio.packet_class = TextPacket
    # Handle each packet before reading the socket's next one; BrowserSocket.start() runs the events.
    sio.async_handlers = sio.eio.async_handlers = False
    sio.eio.max_http_buffer_size = MESSAGE_CHARACTERS
    events = _Events(sio)
    sio.eio.on("connect", events.connected)
    sio.eio.on("message", events.message)


def socket_of(sio: AsyncServer, sid: str) -> BrowserSocket | None:
    """The socket with this Socket.IO id; None if it is closed."""
    socket = sio.eio.sockets.get(sio.manager.eio_sid_from_sid(sid, _ROOT))
    return socket if isinstance(socket, BrowserSocket) else None


class _Events:
    """Engine.IO's callbacks."""

    def __init__(self, sio: AsyncServer) -> None:
        self._sio = sio

    async def connected(self, eio_sid: str, environ: dict[str, Any]) -> None:
        """Puts a new socket, not signed in yet, into the lobby."""
        socket: BrowserSocket = self._sio.eio.sockets[eio_sid]
        client = environ["asgi.scope"].get("client")
        socket.network = network_of(client[0]) if client else ""
        socket.lobby.enter(socket)
        await self._sio._handle_eio_connect(eio_sid, environ)

    async def message(self, eio_sid: str, data: object) -> None:
        """Parses and handles a packet."""
        socket = self._sio.eio.sockets.get(eio_sid)
        if not isinstance(socket, BrowserSocket) or socket.gone:
            return
        try:
            packet = read_packet(data, signed_in=bool(socket.owner))
        except BadPacketError:
            socket.hang_up()
            return
        await self._handle(socket, packet, len(str(data)))

    async def _handle(self, socket: BrowserSocket, packet: TextPacket, size: int) -> None:
        sio, eio_sid = self._sio, socket.sid
        if packet.packet_type == CONNECT:
            await sio._handle_connect(eio_sid, packet.namespace, packet.data)
        elif packet.packet_type == DISCONNECT:
            await sio._handle_disconnect(eio_sid, packet.namespace, sio.reason.CLIENT_DISCONNECT)
        elif packet.packet_type == ACK:
            await sio._handle_ack(eio_sid, packet.namespace, packet.id, packet.data)
        else:
            socket.start(sio._handle_event(eio_sid, packet.namespace, packet.id, packet.data), size)
