"""Servers that others have written, of other versions of MCP than ours: its reference servers, and its own library."""

import asyncio
import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.config import ROOT, Workspace
from engine.tools.host import Host
from engine.tools.result import Result
from tests.instruments import tool_server
from tests.instruments.locked_environment import node_environment, python_environment
from tests.instruments.ports import free_port

HERE = Path(__file__).parent
FOLDER = ROOT / ".venv-tool-servers"
_PATIENCE = 60.0


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has the servers for Python, and MCP 2.x."""
    return python_environment(FOLDER, HERE / "requirements.txt")


@pytest.fixture(scope="module")
def node_servers() -> Path:
    """The folder that has the servers for Node."""
    return node_environment(FOLDER / "node", HERE) / "node_modules" / "@modelcontextprotocol"


@asynccontextmanager
async def running(workspace: Path, **servers: dict[str, Any]) -> AsyncIterator[Host]:
    """The host with these servers, which are all ready."""
    files = Workspace(workspace)
    files.create()
    files.lock.touch()
    files.tool_servers.write_text(json.dumps({"mcpServers": servers}))
    said: list[str] = []
    host = Host(files, said.append)
    work = asyncio.create_task(host.run())
    try:
        async with asyncio.timeout(_PATIENCE):
            while len(host.servers) < len(servers) or any(one.state != "ready" for one in host.servers):
                assert not work.done(), said
                await asyncio.sleep(0.05)
        yield host
    finally:
        work.cancel()
        await asyncio.wait({work}, timeout=30)


@contextmanager
def over_http(command: Sequence[str | Path], port: int, **environment: str) -> Iterator[str]:
    """The address of a server over streamable HTTP, which is a process of its own."""
    url = f"http://127.0.0.1:{port}/mcp"
    env = {"PATH": os.environ["PATH"], **environment}
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _await(url, process)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, "it has ended"
            assert time.monotonic() < until, "it does not listen"
            time.sleep(0.05)


async def called(host: Host, name: str, **arguments: object) -> Result:
    async with asyncio.timeout(_PATIENCE):
        return await host.call(name, arguments)


def words(result: Result) -> str:
    assert result.reason is None, result.reason
    return "".join(part["text"] for part in result.parts if part["type"] == "text")


def pictures(result: Result) -> list[bytes]:
    return [base64.b64decode(part["data"]) for part in result.parts if part["type"] != "text"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(folder)]
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "Begin with nothing"], check=True)
    return folder


async def test_time_and_git_as_programs_and_one_over_http(python: Path, repository: Path, tmp_path: Path) -> None:
    port, red = free_port(), tmp_path / "red.png"
    red.write_bytes(base64.b64decode(tool_server.PICTURE))
    with over_http([python, HERE / "sdk_server.py", str(port), red], port) as url:
        servers = {
            "clock": {"command": str(python), "args": ["-m", "mcp_server_time", "--local-timezone", "Europe/Oslo"]},
            "git": {"command": str(python), "args": ["-m", "mcp_server_git", "-r", str(repository)]},
            "sdk": {"url": url},
        }
        async with running(
            tmp_path / "workspace", **{n: {**one, "readOnlyUnasked": True} for n, one in servers.items()}
        ) as host:
            tools = {tool.name: tool for one in host.servers for tool in one.tools}
            assert tools["clock__convert_time"].unasked
            asked = {"source_timezone": "Europe/Oslo", "time": "16:30", "target_timezone": "Asia/Tokyo"}
            tokyo = words(await called(host, "clock__convert_time", **asked))
            assert "T23:30" in tokyo or "T00:30" in tokyo  # with summer time, or without
            log = await called(host, "git__git_log", repo_path=str(repository))
            assert "Begin with nothing" in words(log)
            assert (await called(host, "git__git_log", repo_path="/")).failed
            assert pictures(await called(host, "sdk__red")) == [red.read_bytes()]
            assert (await called(host, "sdk__divide", top=1, bottom=0)).failed
            assert words(await called(host, "sdk__divide", top=1, bottom=4)) == "0.25"


@pytest.mark.long
async def test_everything_over_http_and_the_file_system_as_a_program(node_servers: Path, tmp_path: Path) -> None:
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "a.txt").write_text("Water the ficus.")
    port = free_port()
    everything = ["node", node_servers / "server-everything" / "dist" / "index.js", "streamableHttp"]
    program = str(node_servers / "server-filesystem" / "dist" / "index.js")
    with over_http(everything, port, PORT=str(port)) as url:
        servers = {"all": {"url": url}, "files": {"command": "node", "args": [program, str(documents)]}}
        async with running(tmp_path / "workspace", **servers) as host:
            assert (
                words(await called(host, "files__read_text_file", path=str(documents / "a.txt"))) == "Water the ficus."
            )
            assert (await called(host, "files__read_text_file", path="/etc/passwd")).failed
            assert "42" in words(await called(host, "all__get-sum", a=40, b=2))
            (picture,) = pictures(await called(host, "all__get-tiny-image"))
            assert picture.startswith(b"\x89PNG")
            slow = asyncio.create_task(called(host, "all__trigger-long-running-operation", duration=3, steps=3))
            assert words(await called(host, "all__echo", message="meanwhile")).endswith("meanwhile")
            assert "completed" in words(await slow)
            stopped = asyncio.create_task(called(host, "all__trigger-long-running-operation", duration=60, steps=1))
            await asyncio.sleep(0.5)
            stopped.cancel()
            await asyncio.wait({stopped}, timeout=10)
            assert stopped.cancelled()
            assert words(await called(host, "all__echo", message="still here")).endswith("still here")
