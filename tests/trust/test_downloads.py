"""A large chat downloaded many times at once by a client that does not read."""

from __future__ import annotations

import asyncio
import json
import select
import socket
from contextlib import ExitStack

import psutil

from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor, shown

MEGABYTES = 20
AT_ONCE = 12
LARGEST = 200 * 2**20
"""The database may hold the two that are sent, once for each of its threads; not all of them."""


async def test_unread_downloads_take_little_memory_and_a_few_are_sent_at_once(
    visitor: Visitor, page: ScriptedProduct
) -> None:
    turn = {"id": "a", "text": "hello", "answers": [{"text": "x" * MEGABYTES * 10**6, "ending": "stop"}]}
    body = json.dumps({"format": "kimi-vl-chat", "version": 1, "name": "n", "turns": [turn]}).encode()
    status, _, reply = await asyncio.to_thread(visitor.caller.request, "POST", "/api/threads/import", body)
    assert status == 200
    path = f"/api/threads/{json.loads(reply)['threadId']}/chat.json"
    process = psutil.Process(page.pid)
    before = process.memory_info().rss
    with ExitStack() as stack:
        wires = []
        for _ in range(AT_ONCE):
            wire = stack.enter_context(socket.socket())
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.connect(("127.0.0.1", page.port))
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{page.port}\r\nCookie: {visitor.caller.cookie}\r\n\r\n"
            wire.sendall(head.encode())
            wires.append(wire)
        most = 0
        for _ in range(40):
            await asyncio.sleep(0.1)
            most = max(most, process.memory_info().rss - before)
        begun, _, _ = select.select(wires, [], [], 0)
        assert len(begun) == 2
        assert most < LARGEST
        # Another person's download does not wait for them.
        async with Visitor(page) as other:
            assert "An answer." in shown(await other.ask("Hello?"))
    _, _, whole = await asyncio.to_thread(visitor.caller.request, "GET", path)
    [part] = json.loads(whole)["turns"][0]["answers"][0]["parts"]
    assert part == {"kind": "text", "text": "x" * MEGABYTES * 10**6}
