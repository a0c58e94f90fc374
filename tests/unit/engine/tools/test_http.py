"""The limits of a connection over HTTP."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from mcp import ClientSession

from engine.tools import http
from engine.tools.config import Entry


class Slow:
    """A server with sessions, whose calls take half a second, and which never confirms that a session has ended."""

    def __init__(self) -> None:
        self.goodbyes = 0
        self.released = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        if request.method == "DELETE":
            self.goodbyes += 1
            await asyncio.wait_for(self.released.wait(), 60)
        if request.method != "POST":
            return web.Response(status=405)
        message = await request.json()
        if "id" not in message:
            return web.Response(status=202)
        result: dict[str, object] = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "slow", "version": "1"},
        }
        if message["method"] == "ping":
            await asyncio.sleep(0.5)
            result = {}
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(answer, headers={"Mcp-Session-Id": "1"})


async def test_a_slow_reply_and_a_goodbye_without_one_keep_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_GOODBYE_SECONDS", 0.2)
    slow = Slow()
    app = web.Application()
    app.router.add_route("*", "/mcp", slow.answer)
    async with TestServer(app) as server:
        entry = Entry("slow", url=str(server.make_url("/mcp")), seconds=0.1)
        try:
            async with asyncio.timeout(30):
                async with http.remote(entry) as streams, ClientSession(streams.read, streams.write) as session:
                    await session.initialize()
                    # Two at once: when one is slow, the other must not suffer.
                    await asyncio.gather(session.send_ping(), session.send_ping())
            assert slow.goodbyes == 1
        finally:
            slow.released.set()
