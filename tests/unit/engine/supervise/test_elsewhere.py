"""A server that is not ours to start: what stands in the way of it, told from everything else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.identity import Identity
from engine.processes import Record
from engine.status import Phase, Reason
from engine.supervise import elsewhere
from engine.supervise.elsewhere import Elsewhere
from engine.supervise.service import Launch, Service
from engine.system.logs import RotatingLog
from engine.wording import LANGUAGES, sentence
from tests.instruments.ports import free_port

LIST = '{"data": [{"id": "a"}, {"id": "b"}]}'


@asynccontextmanager
async def serving(*replies: tuple[int, str], port: int = 0) -> AsyncIterator[str]:
    """A server that gives these replies, the last one again and again; its address."""
    left = list(replies)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /v1/models ")
        status, body = left.pop(0) if len(left) > 1 else left[0]
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize(
    ("status", "body", "key"),
    [
        (200, LIST, None), (200, '{"data": []}', None), (401, "{}", "remote_key"), (403, "no", "remote_key"),
        (404, "{}", "remote_no_api"), (200, "<html>", "remote_no_api"), (200, "[]", "remote_no_api"),
        (200, '{"data": [{}]}', "remote_no_api"), (502, "", "remote_error"),
    ],
)  # fmt: skip
async def test_what_a_server_answers(status: int, body: str, key: str | None) -> None:
    async with serving((status, body)) as address:
        found = await Elsewhere(address, "b").look()
    assert (found.key if found else None) == key
    for language in LANGUAGES:
        assert not found or address in sentence(found, language)


async def test_a_model_that_is_not_there_is_named_with_those_that_are() -> None:
    async with serving((200, LIST)) as address:
        found = await Elsewhere(address, "c").look()
    assert found == Reason("remote_no_model", {"address": address, "model": "c", "served": "a, b"})


async def test_one_that_does_not_answer_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = await Elsewhere(f"http://127.0.0.1:{free_port()}/v1").look()
    unknown = await Elsewhere("http://no-such-name.invalid/v1").look()
    nonsense = await Elsewhere("localhost:8000/v1").look()
    monkeypatch.setattr(elsewhere, "PATIENCE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = await Elsewhere(f"http://127.0.0.1:{silent.getsockname()[1]}/v1").look()
    found = [reason.key if reason else None for reason in (refused, unknown, nonsense, slow)]
    assert found == ["remote_refused", "remote_unknown_host", "remote_unreachable", "remote_timeout"]


async def test_a_password_in_the_address_is_not_shown() -> None:
    found = await Elsewhere(
        f"http://anna:secret@127.0.0.1:{free_port()}/v1", headers={"Authorization": "Bearer x"}
    ).look()
    assert found
    assert "127.0.0.1" in sentence(found)
    assert "secret" not in repr(found)


async def test_each_new_reason_is_told_once_with_the_time_and_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "AGAIN_EVERY", 0.01)
    told: list[Reason] = []
    async with serving((502, ""), (502, ""), (401, ""), (200, LIST)) as address:
        assert await Elsewhere(address, "a").until_it_answers(told.append) is None
    assert [reason.key for reason in told] == ["remote_error", "remote_key"]
    assert "asked again every" in sentence(told[0])
    assert str(told[0].values["since"]) in sentence(told[0])
    assert "每" in sentence(told[1], "zh")


async def test_the_supervisor_reports_and_logs_it_and_is_ready_when_the_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "AGAIN_EVERY", 0.05)
    port, seen, changed = free_port(), [], asyncio.Event()
    server = Elsewhere(f"http://127.0.0.1:{port}/v1", "a", {"Authorization": "Bearer a-secret"})

    async def launch(report: Callable[..., None]) -> Launch:
        report(Phase.PREPARING, None)
        return Launch((), {}, "", 0, server.models_url, server.headers, elsewhere=server)

    def report(**changes: Any) -> None:
        seen.append(changes)
        changed.set()

    async def until(found: Callable[[dict[str, Any]], bool]) -> None:
        async with asyncio.timeout(30):
            while not any(map(found, seen)):
                changed.clear()
                await changed.wait()

    log = tmp_path / "llm.log"
    identity = Identity("a workspace", "1:2", "this boot", "pid:[1]")
    record = Record(tmp_path / "groups.json", identity)
    service = Service("engine", launch, RotatingLog(log, 1_000_000), record, report, cwd=tmp_path)
    running = asyncio.create_task(service.run())
    await until(lambda said: bool(said.get("reason")) and said["reason"].key == "remote_refused")
    assert seen[-1]["phase"] == Phase.NONE, "or the sentence is not shown"
    async with serving((200, LIST), port=port):
        await until(lambda said: said.get("state") == "ready")
        service.stop()
        await asyncio.wait_for(running, 30)
    assert f"Nothing answers at {server.base_url} (connection refused)." in log.read_text()
    assert "a-secret" not in log.read_text() + repr(seen)
