"""A Socket.IO server with the page's limits, in this event loop, and misbehaving clients."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from functools import partial
from typing import Any

import aiohttp
import socketio
import uvicorn

from app.access.limits.connections import Crowd, GuardedProtocol
from app.access.limits.rooms import Room
from app.sockets.browser import BrowserSocket
from app.sockets.events import set_limits, socket_of
from app.sockets.wire import BEFORE_LOGIN_BYTES, GuardedWebSocket
from tests.instruments import waiting

PATIENCE = 20
until = partial(waiting.until, seconds=PATIENCE)


class SocketServer:
    """A client is signed in under the name in Socket.IO's connect."""

    def __init__(self, seconds: float = 600, most: int = 512) -> None:
        self.sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins=[])
        set_limits(self.sio)
        self.events: list[tuple[str, Any]] = []
        self.lobby: Room[BrowserSocket] = Room(most, seconds)
        BrowserSocket.lobby = self.lobby
        self.room: Room[GuardedWebSocket] = Room(most, seconds)
        self.crowd = Crowd(lambda: 1000)
        shared = {"crowd": self.crowd}
        http = type("Http", (GuardedProtocol,), {**shared, "room": Room(512, 600)})
        wire = type("Wire", (GuardedWebSocket,), {**shared, "room": self.room})
        app = socketio.ASGIApp(self.sio, socketio_path="/socket.io")
        settings: dict[str, Any] = {"http": http, "ws": wire, "lifespan": "off", "log_config": None, "loop": "uvloop"}
        config = uvicorn.Config(app, ws_max_size=BEFORE_LOGIN_BYTES, ws_per_message_deflate=False, **settings)
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._task: asyncio.Task[None] | None = None
        self.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        self.address: tuple[str, int] = self._socket.getsockname()
        self.url = "http://127.0.0.1:{1}/socket.io/?EIO=4&transport=".format(*self.address)

        async def connect(sid: str, environ: dict[str, Any], auth: Any) -> None:
            if not auth:
                raise ConnectionRefusedError
            found = socket_of(self.sio, sid)
            assert found
            found.admit(auth["name"])

        async def say(sid: str, *data: Any) -> None:
            self.events.append((sid, data))

        self.sio.on("connect", connect)
        self.sio.on("say", say)

    async def __aenter__(self) -> SocketServer:
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        await until(lambda: self._server.started)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.http.close()
        for one in self.sockets:
            one.hang_up()
        await until(lambda: len(self.crowd) == 0)
        await self.sio.shutdown()
        self._server.should_exit = self._server.force_exit = True
        assert self._task
        await self._task
        # Closed transports give their sockets back one turn of the loop later.
        await asyncio.sleep(0.01)

    @property
    def sockets(self) -> list[BrowserSocket]:
        return list(self.sio.eio.sockets.values())

    async def open(self, name: str = "") -> aiohttp.ClientWebSocketResponse:
        """A websocket; with a name it is signed in."""
        wire = await self.http.ws_connect(self.url + "websocket", max_msg_size=0)
        assert (await wire.receive_str()).startswith("0")
        if name:
            await wire.send_str("40" + json.dumps({"name": name}))
            assert (await wire.receive_str()).startswith("40")
        return wire

    async def poll(self) -> str:
        """A session without a websocket: the address for its requests."""
        async with self.http.get(self.url + "polling") as reply:
            return f"{self.url}polling&sid={json.loads((await reply.text())[1:])['sid']}"


async def is_ended(wire: aiohttp.ClientWebSocketResponse) -> bool:
    """Waits until the other side has ended it."""
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(ConnectionError):
            while (await wire.receive()).type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                pass
    return True


async def answers(wire: aiohttp.ClientWebSocketResponse, server: SocketServer, word: str = "still here") -> bool:
    """Whether a message on it arrives."""
    await wire.send_str("42" + json.dumps(["say", word], ensure_ascii=False))
    await until(lambda: any(data == (word,) for _, data in server.events))
    return True
