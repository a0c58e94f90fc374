"""The tool servers, good and hostile ones, as programs and over HTTP."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from engine.config import Workspace
from engine.tools import server
from engine.tools.__main__ import application
from engine.tools.host import Host
from engine.tools.result import Result
from tests.instruments import tool_server

pytestmark = pytest.mark.asyncio(loop_scope="module")
PROGRAM = {"command": sys.executable, "args": [tool_server.__file__], "timeout": 30}


def write(files: Workspace, **servers: object) -> None:
    files.tool_servers.write_text(json.dumps({"mcpServers": servers}))


async def until(fact: Callable[[], object], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not fact():
            await asyncio.sleep(0.05)


async def remote(request: web.Request) -> web.Response:
    """A server over streamable HTTP, which answers each message with one JSON object."""
    if request.headers.get("X-Key") != "sesame":
        return web.Response(status=401)
    if request.method != "POST":
        return web.Response(status=405)
    message = await request.json()
    if "id" not in message:
        return web.Response(status=202)
    match message["method"]:
        case "initialize":
            result: dict[str, object] = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "remote", "version": "1"},
            }
        case "tools/list":
            result = {"tools": [tool_server.TOOLS[0], tool_server.TOOLS[5]]}
        case "tools/call" if message["params"]["name"] == "huge":
            result = tool_server.text("x" * 20_000_000)
        case "tools/call":
            result = tool_server.text("from afar")
        case unknown:
            error = {"code": -32601, "message": f"Method not found: {unknown}"}
            return web.json_response({"jsonrpc": "2.0", "id": message["id"], "error": error})
    return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": result})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Host]:
    files = Workspace(tmp_path_factory.mktemp("workspace"))
    files.create()
    files.lock.touch()
    app = web.Application()
    app.router.add_route("*", "/mcp", remote)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_PING_SECONDS", 1.0)
        # On a slow machine, a healthy server may take longer than that: none is asked without a doubt.
        patch.setattr(server, "_PING_EVERY", 3600.0)
        patch.setenv("SECRET_KEY", "sesame")
        async with TestServer(app) as far:
            address = {"url": str(far.make_url("/mcp")), "headers": {"X-Key": "${SECRET_KEY}"}}
            near = PROGRAM | {"readOnlyUnasked": True, "env": {"GIVEN": "1"}}
            write(files, near=near, far=address, mute=PROGRAM | {"timeout": 2})
            made = Host(files, lambda line: None)
            running = asyncio.create_task(made.run())
            await until(lambda: len(made.servers) == 3 and all(each.state == "ready" for each in made.servers))
            yield made
            running.cancel()
            _, pending = await asyncio.wait({running}, timeout=30)
            assert not pending


def words(result: Result) -> str:
    assert result.reason is None, result.reason
    return "".join(part["text"] for part in result.parts)


async def called(host: Host, name: str, **arguments: object) -> Result:
    async with asyncio.timeout(60):
        return await host.call(name, arguments)


def one(host: Host, name: str) -> server.Server:
    return next(each for each in host.servers if each.entry.name == name)


async def begun(host: Host, name: str, tool: str) -> asyncio.Task[Result]:
    """A call at which the server is at work."""
    mark = host._files.tool_folders / name / "called"
    mark.unlink(missing_ok=True)
    call = asyncio.create_task(called(host, f"{name}__{tool}"))
    await until(mark.exists)
    return call


async def stopped(call: asyncio.Task[Result]) -> None:
    call.cancel()
    await asyncio.wait({call}, timeout=10)
    assert call.cancelled()


async def started_again(host: Host, name: str) -> None:
    await until(lambda: one(host, name).state != "ready")
    await until(lambda: one(host, name).state == "ready")


async def test_tools_are_listed_once_and_can_be_called(host: Host) -> None:
    names = [tool.name for tool in host.tools]
    assert names.count("near__echo") == names.count("far__echo") == 1
    assert words(await called(host, "near__echo", text="你好")) == "你好"
    assert words(await called(host, "far__echo", text="hello")) == "from afar"
    picture = await called(host, "near__picture")
    assert (picture.parts[0]["type"], picture.parts[0]["mime"]) == ("image", "image/png")
    failed = await called(host, "near__fails")
    assert failed.failed
    assert words(failed) == "no such file"


async def test_only_read_only_tools_run_unasked_and_only_where_the_owner_says_so(host: Host) -> None:
    assert {tool.name for tool in host.tools if tool.unasked} == {"near__echo", "near__picture"}


async def test_a_program_gets_none_of_our_variables_and_a_folder_of_its_own(host: Host) -> None:
    folder, *names = words(await called(host, "near__environment")).splitlines()
    assert Path(folder).parts[-2:] == ("tools", "near")
    assert "GIVEN" in names
    assert "PATH" in names
    assert "SECRET_KEY" not in names


async def test_lines_that_are_not_json_cost_nothing(host: Host) -> None:
    assert words(await called(host, "near__broken")) == "after broken lines"


async def test_an_unknown_tool_is_a_result(host: Host) -> None:
    result = await called(host, "near__none")
    assert result.reason is not None
    assert result.reason.key == "tool_unknown"


@pytest.mark.parametrize(("tool", "key"), [("dies", "tool_server_ended"), ("huge", "tool_result_too_large")])
async def test_a_hostile_server_costs_the_call_and_is_started_again(host: Host, tool: str, key: str) -> None:
    result = await called(host, f"near__{tool}")
    assert result.reason is not None
    assert result.reason.key == key
    await started_again(host, "near")
    assert words(await called(host, "near__echo", text="again")) == "again"


async def test_calls_of_a_server_that_reads_nothing_end_and_it_is_started_again(host: Host) -> None:
    first = await begun(host, "mute", "never")
    # The pipe takes less than that, so the third call can't even be sent.
    rest = [called(host, "mute__echo", text="x" * 600_000), called(host, "mute__echo", text="y")]
    results = await asyncio.gather(first, *rest)
    keys = [result.reason.key if result.reason else "" for result in results]
    assert keys[0] == "tool_slow"
    assert set(keys) <= {"tool_slow", "tool_server_ended"}
    await started_again(host, "mute")


async def test_a_reply_over_http_is_limited_too(host: Host) -> None:
    result = await called(host, "far__huge")
    assert result.reason is not None
    assert result.reason.key == "tool_result_too_large"
    await started_again(host, "far")
    assert words(await called(host, "far__echo")) == "from afar"


async def test_a_ping_that_is_not_known_is_answered_all_the_same(host: Host) -> None:
    far = one(host, "far")
    assert far._connection is not None
    assert await far._answers(far._connection)


async def test_a_call_that_is_stopped_ends_a_program_that_does_not_notice(host: Host) -> None:
    await stopped(await begun(host, "near", "never"))
    await started_again(host, "near")


async def test_a_call_that_is_stopped_costs_no_other_call(host: Host) -> None:
    go = host._files.tool_folders / "near" / "go"
    working = await begun(host, "near", "waits")
    waiting = asyncio.create_task(called(host, "near__echo", text="later"))
    await until(lambda: (connection := one(host, "near")._connection) and connection.calls == 2)
    await stopped(waiting)
    await asyncio.sleep(server._PING_SECONDS + 0.5)
    go.touch()
    assert words(await working) == "went"


async def test_the_web_process_needs_the_key(host: Host) -> None:
    async with TestClient(TestServer(application(host, "k3y"))) as client:
        assert (await client.get("/healthz")).status == 200
        assert (await client.get("/tools")).status == 401
        headers = {"Authorization": "Bearer k3y"}
        listed = await (await client.get("/tools", headers=headers)).json()
        assert [one["name"] for one in listed["servers"]] == ["near", "far", "mute"]
        call = {"name": "near__echo", "arguments": {"text": "hi"}}
        answer = await (await client.post("/call", headers=headers, json=call)).json()
        assert answer["parts"] == [{"type": "text", "text": "hi"}]
        assert (await client.post("/call", headers=headers, json={"name": 1})).status == 400


async def test_the_file_is_read_again_and_a_wrong_one_leaves_everything_as_it_is(host: Host) -> None:
    files = host._files
    before = files.tool_servers.read_text()
    pid = host._record._groups["near"].sid
    assert psutil.pid_exists(pid)
    files.tool_servers.write_text("{")
    await until(lambda: host.problem is not None)
    assert len(host.servers) == 3
    write(files, none={"command": "/no/such/program"})
    await until(lambda: host.problem is None and host.servers and host.servers[0].reason is not None)
    reason = host.servers[0].reason
    assert reason is not None
    assert reason.key == "tool_no_program"
    assert not psutil.pid_exists(pid)
    files.tool_servers.write_text(before)
    await until(lambda: [each.state for each in host.servers] == ["ready"] * 3)
