"""Limits on what a stranger can hold and send on the page's sockets."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from app.sockets.wire import BEFORE_LOGIN_BYTES
from tests.unit.app.sockets.server import SocketServer, answers, is_ended, until

DEEP = "[" * 50_000
ATTACHMENTS = '451000000000-["a"]'


async def test_a_socket_without_a_login_ends_after_its_time_and_a_persons_stays() -> None:
    async with SocketServer(seconds=1) as server:
        person = await server.open("anna")
        stranger = await server.open()
        # It answers like a browser, and asks to sign in again and again.
        await stranger.send_str("40")
        assert await is_ended(stranger)
        await until(lambda: len(server.sockets) == 1)
        assert await answers(person, server)
        assert len(server.lobby) == len(server.room) == 0


async def test_a_session_by_http_without_a_login_ends_after_its_time() -> None:
    async with SocketServer(seconds=1) as server:
        address = await server.poll()
        # Meanwhile, one request is waiting for data.
        async with server.http.get(address) as reply:
            await reply.read()
        await until(lambda: not server.sockets)
        async with server.http.get(address) as reply:
            assert reply.status == 400


async def test_a_websocket_that_begins_an_upgrade_and_does_not_end_it_is_ended_in_its_time() -> None:
    async with SocketServer(seconds=1) as server:
        address = (await server.poll()).replace("transport=polling", "transport=websocket")
        wire = await server.http.ws_connect(address)
        assert await is_ended(wire)
        await until(lambda: len(server.room) == 0)


async def test_a_flood_of_sockets_keeps_no_one_out_and_disconnects_no_one() -> None:
    async with SocketServer(most=20) as server:
        person = await server.open("anna")
        flood = [await server.open() for _ in range(100)]
        assert len(server.room) <= 20
        assert len(server.sockets) <= 21
        newcomer = await server.open("bob")
        assert await answers(newcomer, server, "let in")
        assert await answers(person, server)
        # The oldest went.
        assert await is_ended(flood[0])


async def test_a_flood_of_sessions_by_http_is_bounded() -> None:
    async with SocketServer(most=20) as server:
        for _ in range(60):
            await server.poll()
        assert len(server.sockets) <= 20
        assert await answers(await server.open("anna"), server)


@pytest.mark.parametrize(
    "packet",
    [
        "4" + DEEP, "42" + DEEP, "3" + DEEP[:40_000], '42["say","hello"]', "40" + "x" * BEFORE_LOGIN_BYTES, "42", "43",
        "", "x", "²", "9", "4", "47", ATTACHMENTS, "41", "1x" * 20,
    ],
)  # fmt: skip
async def test_what_no_browser_sends_before_signing_in_ends_the_socket(
    packet: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with SocketServer() as server:
        wire = await server.open()
        await wire.send_str(packet)
        assert await is_ended(wire)
        await until(lambda: not server.sockets)
        assert server.events == []
    # A stranger must not be able to push everything else out of the log.
    assert caplog.text == ""


async def test_bytes_end_the_socket() -> None:
    async with SocketServer() as server:
        wire = await server.open()
        await wire.send_bytes(b"40{}")
        assert await is_ended(wire)


async def test_many_small_packets_before_signing_in_end_the_socket_too() -> None:
    async with SocketServer() as server:
        wire = await server.open()
        refused = "40/" + "x" * 1000
        with pytest.raises(ConnectionError):
            for _ in range(200):
                await wire.send_str(refused)
                await asyncio.sleep(0.005)
            await is_ended(wire)
            raise ConnectionError
        await until(lambda: not server.sockets)


async def test_pings_of_the_websocket_count_as_well() -> None:
    async with SocketServer() as server:
        wire = await server.open()
        for _ in range(3000):
            if wire.closed:
                break
            try:
                await wire.ping(b"x" * 100)
            except (ConnectionError, aiohttp.ClientError):
                break
        assert await is_ended(wire)


async def test_a_strangers_large_body_is_refused_unread() -> None:
    async with SocketServer() as server:
        address = await server.poll()
        async with server.http.post(address, data=b"40" + b"x" * BEFORE_LOGIN_BYTES) as reply:
            assert reply.status == 400
        await until(lambda: not server.sockets)


async def test_bodies_without_a_length_or_with_too_many_packets_end_the_session() -> None:
    async with SocketServer() as server:
        for body in (b"\x1e".join([b"3"] * 20), b"\xff\xfe", b"42[", b"x"):
            address = await server.poll()
            async with server.http.post(address, data=body) as reply:
                assert reply.status == 400, body
        await until(lambda: not server.sockets)
