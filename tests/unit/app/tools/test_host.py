"""The web process's side of the tool servers' process."""

import base64
import json
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from app.tools.host import ToolHost
from engine.config import Workspace


async def test_tools_problems_and_results_are_read(tmp_path: Path) -> None:
    files = Workspace(tmp_path)
    files.create()
    host = ToolHost(files)
    assert (await host.list()).tools == []
    assert (await host.list()).problems == {}
    files.tool_servers.write_text("{}")
    assert (await host.list()).problems[""].key == "tools_not_running"
    assert (await host.call("a__b", {})).failed
    tool = {
        "name": "a__b",
        "own_name": "b",
        "server": "a",
        "title": "B",
        "description": "",
        "schema": {},
        "unasked": True,
    }
    away = {"name": "c", "state": "waiting", "reason": {"key": "tool_server_ended", "values": {}}, "tools": []}
    listing = {"problem": None, "servers": [{"name": "a", "reason": None, "tools": [tool]}, away]}
    parts = [
        {"type": "text", "text": "one"},
        {"type": "image", "mime": "image/png", "data": base64.b64encode(b"x").decode()},
        {"type": "image", "mime": "image/png", "data": "?"},
    ]
    seen: list[object] = []

    async def tools(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        return web.json_response(listing)

    async def call(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.json_response({"parts": parts, "failed": False, "reason": None})

    app = web.Application()
    app.add_routes([web.get("/tools", tools), web.post("/call", call)])
    async with TestServer(app) as server:
        files.tool_host.write_text(json.dumps({"url": str(server.make_url("")).rstrip("/")}))
        files.tools_key.write_text("k3y\n")
        found = await host.list()
        assert [(one.name, one.unasked) for one in found.tools] == [("a__b", True)]
        assert found.problems["c"].key == "tool_server_ended"
        outcome = await host.call("a__b", {"x": 1})
    assert outcome.pictures == [b"x"]
    assert outcome.text == "one\n[a picture that can't be read]"
    assert seen == ["Bearer k3y", {"name": "a__b", "arguments": {"x": 1}}]
    await host.close()
