"""Limits on what one person can make the page store and do through sockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from app.sockets import browser
from app.sockets.browser import MB, BrowserSocket
from tests.unit.app.sockets.server import SocketServer, answers, is_ended, until

BOOK = 'Es war einmal, "so" [sagt] man, {ein} \\ König. \n' * 70_000


async def test_a_whole_book_is_taken() -> None:
    assert len(BOOK) > 3_000_000
    async with SocketServer() as server:
        wire = await server.open("anna")
        assert await answers(wire, server, BOOK)
        assert await answers(wire, server, "汉" * 3_900_000)


@pytest.mark.parametrize(
    "packet",
    [
        '42["say",' + "[" * 3_900_000,
        '42["say",' + ",".join(["[]"] * 1_000_000) + "]",
        '42["say",{' + ",".join(f'"{n}":[{{}}]' for n in range(200_000)) + "}]",
        "42" + '["say"' + '""' * 1_900_000,
        "4" + "[" * 3_900_000,
        '451000000000-["say",{"_placeholder":true,"num":0}]',
        '42["say","' + "x" * 4_300_000 + '"]',
        '42["connect",{"HTTP_COOKIE":"another"},{}]', '42["disconnect"]',
        "42{}", "42[]", "42[7]", "43", "44", "42[", "42",
    ],
)  # fmt: skip
async def test_what_no_browser_sends_ends_the_socket_and_others_continue(packet: str) -> None:
    async with SocketServer() as server:
        wire, other = await server.open("anna"), await server.open("bob")
        await wire.send_str(packet)
        assert await is_ended(wire)
        assert await answers(other, server)
        assert len(server.events) == 1


async def test_a_book_may_follow_an_upgrade_at_once() -> None:
    async with SocketServer() as server:
        address = await server.poll()
        async with server.http.post(address, data=b'40{"name":"anna"}') as reply:
            assert reply.status == 200
        wire = await server.http.ws_connect(address.replace("transport=polling", "transport=websocket"))
        await wire.send_str("2probe")
        assert await wire.receive_str() == "3probe"
        book = json.dumps(["say", BOOK], ensure_ascii=False)
        await asyncio.gather(wire.send_str("5"), wire.send_str("42" + book))
        await until(lambda: server.events)
        assert server.events[0][1] == (BOOK,)


async def test_packets_are_handled_in_the_order_in_which_they_came() -> None:
    async with SocketServer() as server:
        wire = await server.open("anna")
        texts = [BOOK if number % 3 == 0 else str(number) for number in range(12)]
        for text in texts:
            await wire.send_str("42" + json.dumps(["say", text], ensure_ascii=False))
        await until(lambda: len(server.events) == 12)
        assert [data for _, (data,) in server.events] == texts


async def test_too_many_events_at_once_end_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_EVENTS_AT_ONCE", 10)
    async with SocketServer() as server:
        go = asyncio.Event()

        async def hold(sid: str) -> None:
            await go.wait()

        server.sio.on("hold", hold)
        wire = await server.open("anna")
        for _ in range(10):
            await wire.send_str('42["hold"]')
        assert await answers(await server.open("anna"), server)
        await wire.send_str('42["hold"]')
        assert await is_ended(wire)
        go.set()


@pytest.fixture
def wires() -> Iterator[list[socket.socket]]:
    """The sockets of the readers below, which are closed at the end."""
    opened: list[socket.socket] = []
    yield opened
    for wire in opened:
        wire.close()


async def slow_reader(server: SocketServer, wires: list[socket.socket], name: str) -> BrowserSocket:
    """Signs in on a websocket, and reads no more than the handshake and a word."""
    before = set(server.sockets)
    wire = socket.socket()
    wires.append(wire)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(wire, server.address)
    head = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
    head += "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    await loop.sock_sendall(wire, head.encode())
    await loop.sock_recv(wire, 4096)
    hello = b"40" + json.dumps({"name": name}).encode()
    # A frame of text, masked with zeros.
    await loop.sock_sendall(wire, bytes([0x81, 0x80 | len(hello), 0, 0, 0, 0]) + hello)
    await until(lambda: any(one.owner == name for one in set(server.sockets) - before))
    [found] = set(server.sockets) - before
    return found


async def tell(server: SocketServer, target: BrowserSocket, word: Any) -> None:
    sid = server.sio.manager.sid_from_eio_sid(target.sid, "/")
    await server.sio.emit("word", word, to=sid)
    # Time for what is being sent.
    await asyncio.sleep(0)


async def test_a_browser_that_does_not_read_is_ended_and_others_are_served(wires: list[socket.socket]) -> None:
    async with SocketServer() as server:
        slow = await slow_reader(server, wires, "anna")
        other = await server.open("anna")
        [fast] = set(server.sockets) - {slow}
        for number in range(60):
            if slow.gone:
                break
            await tell(server, slow, "x" * 2 * MB)
            await tell(server, fast, number)
            assert slow.behind < browser.BEHIND_BYTES + 8 * MB
        assert slow.gone
        assert [json.loads((await other.receive_str())[2:])[1] for _ in range(number)] == list(range(number))
        await until(lambda: slow not in server.sockets)
        assert slow.behind < 4 * MB


async def test_one_large_packet_is_sent_whatever_its_size() -> None:
    async with SocketServer() as server:
        wire = await server.open("anna")
        [reader] = server.sockets
        await tell(server, reader, "first")
        await tell(server, reader, "x" * 60 * MB)
        for number in range(20):
            await tell(server, reader, number)
        assert "first" in await wire.receive_str()
        assert len(await wire.receive_str()) > 60 * MB
        assert [json.loads((await wire.receive_str())[2:])[1] for _ in range(20)] == list(range(20))


async def test_all_sockets_hold_a_bounded_amount_and_the_largest_is_closed(
    monkeypatch: pytest.MonkeyPatch, wires: list[socket.socket]
) -> None:
    monkeypatch.setattr(browser, "_ALL_BEHIND_BYTES", 40 * MB)
    async with SocketServer() as server:
        greedy = [await slow_reader(server, wires, "anna") for _ in range(8)]
        modest = await slow_reader(server, wires, "bob")
        await tell(server, modest, "x" * 9 * MB)
        for target in greedy:
            await tell(server, target, "x" * 8 * MB)
        assert not modest.gone
        assert 0 < sum(target.gone for target in greedy) < 8
        assert sum(target.behind for target in (*greedy, modest) if not target.gone) <= 40 * MB


async def test_a_peer_that_reads_nothing_is_cut_off_and_one_that_reads_slowly_is_not(
    wires: list[socket.socket],
) -> None:
    async with SocketServer() as server:
        stuck = await slow_reader(server, wires, "anna")
        slow = await slow_reader(server, wires, "bob")
        for target in (stuck, slow):
            await tell(server, target, "x" * 20 * MB)
        await until(lambda: stuck.behind > MB and slow.behind > MB)
        server.crowd.cut_off_unread()
        before, read = slow.behind, 0
        while slow.behind > before - MB:
            read += len(await asyncio.get_running_loop().sock_recv(wires[1], MB))
            await asyncio.sleep(0)
        server.crowd.cut_off_unread(seconds=0)
        await until(lambda: stuck not in server.sockets)
        assert slow in server.sockets
        # Now it has stopped as well.
        server.crowd.cut_off_unread(seconds=0)
        await until(lambda: slow not in server.sockets)
