"""Connections that send no request, or never finish one: over real sockets, on a server with small limits."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from app.access.limits import connections
from app.access.limits.connections import Crowd, GuardedProtocol
from app.access.limits.rooms import Room
from tests.instruments import waiting

PATIENCE = 60
until = partial(waiting.until, seconds=PATIENCE)
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, whatever body may still come.

    /slow takes a moment, /large is large, and /endless takes until the other end has gone.
    """
    if scope["type"] != "http":
        return
    while scope["path"] == "/endless":
        if (await receive())["type"] == "http.disconnect":
            return
    if scope["path"] == "/slow":
        await receive()
        await asyncio.sleep(0.6)
    body = b"x" * 50_000_000 + b"ok" if scope["path"] == "/large" else b"ok"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Server:
    """A server in this loop, and the connections that a test opens to it."""

    def __init__(self, room: Room[GuardedProtocol], most: int = 1000) -> None:
        self.room = room
        self.crowd = Crowd(lambda: most)
        protocol = type("Protocol", (GuardedProtocol,), {"room": room, "crowd": self.crowd})
        self._server = uvicorn.Server(uvicorn.Config(answer, http=protocol, lifespan="off", log_config=None))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._task: asyncio.Task[None] | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Server:
        self._task = asyncio.create_task(self._server.serve([self._socket]))
        await until(lambda: self._server.started)
        return self

    async def __aexit__(self, *exc: object) -> None:
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self._server.should_exit = True
        assert self._task
        await self._task

    async def connect(self, data: bytes = b"") -> Streams:
        reader, writer = await asyncio.open_connection(*self._socket.getsockname())
        self._writers.append(writer)
        writer.write(data)
        await writer.drain()
        return reader, writer


async def gone(streams: Streams) -> bytes:
    """What came until the server closed the connection."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await streams[0].read()
        except ConnectionResetError:
            return b""


async def is_answered(streams: Streams) -> bool:
    async with asyncio.timeout(PATIENCE):
        return (await streams[0].readuntil(b"ok")).startswith(b"HTTP/1.1 200")


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server(Room(most=12, seconds=0.5)) as server:
        yield server


@pytest.mark.parametrize("begun", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: "])
async def test_a_head_that_does_not_come_ends_the_connection(server: Server, begun: bytes) -> None:
    assert await gone(await server.connect(begun)) == b""
    await until(lambda: len(server.room) == 0)


async def test_a_head_in_drops_gets_no_more_time_than_one_in_silence(server: Server) -> None:
    reader, writer = await server.connect(WHOLE)
    assert await is_answered((reader, writer))
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            # Empty lines, which begin no request, and half a header.
            for drop in [b"\r\n", b"GET / HTTP/1.1\r\n", *[b"X: y\r\n"] * 10_000]:
                writer.write(drop)
                await writer.drain()
                await asyncio.sleep(0.02)
                if reader.at_eof():
                    break
    assert await gone((reader, writer)) == b""


async def test_a_flood_of_idle_connections_keeps_no_one_out(server: Server) -> None:
    flood = [await server.connect(b"GET / HT") for _ in range(60)]
    assert await is_answered(await server.connect(WHOLE))
    assert len(server.room) <= 12
    # The oldest went, long before their time.
    assert await gone(flood[0]) == b""


async def test_those_who_are_being_answered_are_not_counted(server: Server) -> None:
    answered = [await server.connect(WHOLE.replace(b"/ ", b"/slow ")) for _ in range(20)]
    flood = [await server.connect() for _ in range(20)]
    assert all(await asyncio.gather(*map(is_answered, answered)))
    assert await gone(flood[-1]) == b""


async def test_two_hundred_people_of_one_office_who_come_at_once_all_get_in() -> None:
    async with Server(Room(most=512, seconds=600)) as server:
        # All have connected before the first head comes.
        office = [await server.connect() for _ in range(200)]
        for _, writer in office:
            writer.write(WHOLE)
        assert all(await asyncio.gather(*map(is_answered, office)))


async def test_a_response_that_is_not_read_is_cut_off() -> None:
    async with Server(Room(most=512, seconds=600)) as server:
        reads, stuck = [await server.connect(WHOLE.replace(b"/ ", b"/large ")) for _ in range(2)]
        stuck[1].transport.pause_reading()  # type: ignore[attr-defined]
        await reads[0].readuntil(b"\r\n\r\n")
        assert (await reads[0].readexactly(50_000_002)).endswith(b"ok")
        assert len(server.crowd) == 2
        while len(server.crowd) == 2:
            server.crowd.cut_off_unread(seconds=0.2)
            await asyncio.sleep(0.05)
        reads[1].write(WHOLE)
        assert await is_answered(reads)


async def test_a_head_without_an_end_is_refused_before_its_time() -> None:
    async with Server(Room(most=512, seconds=600)) as server:
        streams = await server.connect(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                streams[1].write(b"X-More: " + b"x" * 10_000 + b"\r\n")
                await streams[1].drain()
        await gone(streams)
        await until(lambda: len(server.room) == 0)


async def test_the_rest_of_a_body_that_was_answered_early_is_no_head(server: Server) -> None:
    size = 1_000_000
    reader, writer = await server.connect(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode())
    assert await is_answered((reader, writer))
    writer.write(b"x" * size + WHOLE)
    await writer.drain()
    assert await is_answered((reader, writer))


async def test_the_end_of_a_body_that_was_answered_early_is_no_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LARGEST_HEAD", 1000)
    async with Server(Room(most=512, seconds=600)) as server:
        reader, writer = await server.connect(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n")
        assert await is_answered((reader, writer))
        writer.write(b"x" * 20_000)
        # In its own write, and read before the next request is sent.
        await until(lambda: len(server.room) == 1 or reader.at_eof())
        writer.write(WHOLE)
        assert await is_answered((reader, writer))


async def test_a_head_behind_a_running_answer_has_a_size_too() -> None:
    async with Server(Room(most=512, seconds=600)) as server:
        streams = await server.connect(WHOLE.replace(b"/ ", b"/endless ") + b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                streams[1].write(b"X-More: " + b"x" * 10_000 + b"\r\n")
                await streams[1].drain()
        assert await gone(streams) == b""


async def test_requests_behind_a_running_answer_are_answered_whatever_their_bodies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_LARGEST_HEAD", 1000)
    async with Server(Room(most=512, seconds=600)) as server:
        post = b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20_000
        streams = await server.connect(post + WHOLE[:10])
        streams[1].write(WHOLE[10:] + post)
        for _ in range(3):
            assert await is_answered(streams)


async def test_a_kept_connection_asks_again_and_again(server: Server) -> None:
    reader, writer = await server.connect()
    for _ in range(5):
        writer.write(WHOLE)
        assert await is_answered((reader, writer))
