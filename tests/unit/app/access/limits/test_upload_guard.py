"""Uploads without a login, too slow, too many at once, or onto a full disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import chainlit as cl
import pytest
from chainlit.auth.jwt import create_jwt
from starlette.types import Message, Receive, Scope, Send

from app.access.limits import upload_guard
from app.access.limits.upload_guard import MOST_FILES, BodyPace, UploadGuard
from app.files import room

PATH = "/project/file"


class Server:
    """An app that reads a body; how many it reads at this moment, and how many it read at once at most."""

    def __init__(self) -> None:
        self.reading = self.most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.reading += 1
        self.most = max(self.most, self.reading)
        try:
            while (await receive()).get("more_body"):
                pass
        finally:
            self.reading -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})


class Client:
    """A request whose body the test sends piece by piece."""

    def __init__(
        self, app: object, person: str | None = "anna", size: int = 10, path: str = PATH, query: bytes = b""
    ) -> None:
        self.body: asyncio.Queue[Message] = asyncio.Queue()
        self.status = 0
        headers = [(b"content-length", str(size).encode())]
        if person:
            headers.append((b"cookie", f"access_token={create_jwt(cl.User(identifier=person))}".encode()))
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": query}
        self.task = asyncio.create_task(app(scope, self.body.get, self._send))  # type: ignore[operator]

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)

    def piece(self, data: bytes = b"", *, more: bool = False) -> None:
        self.body.put_nowait({"type": "http.request", "body": data, "more_body": more})

    async def answer(self) -> int:
        await asyncio.wait_for(self.task, 20)
        return self.status


async def test_nobodys_file_is_refused_unread(tmp_path: Path) -> None:
    server = Server()
    client = Client(UploadGuard(server, tmp_path), person=None)
    assert await client.answer() == 401
    assert server.most == 0


async def test_a_file_that_comes_before_its_page_is_connected_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions: dict[str, object] = {}
    monkeypatch.setattr(upload_guard, "ws_sessions_id", sessions)
    server = Server()
    client = Client(UploadGuard(server, tmp_path), query=b"session_id=early")
    client.piece(b"x", more=True)
    await asyncio.sleep(0.3)
    assert server.reading == 0
    sessions["early"] = object()
    client.piece()
    assert await client.answer() == 200


async def test_a_file_of_a_page_that_never_connects_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_guard, "_CONNECTING_SECONDS", 0.2)
    client = Client(UploadGuard(Server(), tmp_path), query=b"session_id=nobody")
    client.piece()
    assert await client.answer() == 200


async def test_a_chat_has_only_so_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = SimpleNamespace(files=dict.fromkeys(range(MOST_FILES)))
    sessions = {"full": full, "new": SimpleNamespace(files={})}
    monkeypatch.setattr(upload_guard, "ws_sessions_id", sessions)
    server = Server()
    guard = UploadGuard(server, tmp_path)
    assert await Client(guard, query=b"session_id=full").answer() == 429
    assert server.most == 0
    other = Client(guard, query=b"session_id=new")
    other.piece()
    assert await other.answer() == 200


async def test_other_requests_are_not_asked_who_they_are(tmp_path: Path) -> None:
    client = Client(UploadGuard(Server(), tmp_path), person=None, path="/login")
    client.piece()
    assert await client.answer() == 200


async def test_a_file_for_which_the_disk_has_no_room_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server()
    assert await Client(UploadGuard(server, tmp_path), size=10**15).answer() == 507
    monkeypatch.setattr(room, "ROOM_LEFT", 10**15)
    assert await Client(UploadGuard(server, tmp_path), size=1).answer() == 507
    assert server.most == 0


async def test_one_person_has_a_few_files_read_at_once_and_others_do_not_wait_for_them(tmp_path: Path) -> None:
    server = Server()
    guard = UploadGuard(server, tmp_path, at_once=3)
    clients = [Client(guard) for _ in range(10)]
    await asyncio.sleep(0.1)
    assert server.reading == 3
    other = Client(guard, person="bert")
    other.piece()
    assert await other.answer() == 200
    for client in clients:
        client.piece()
    assert [await client.answer() for client in clients] == [200] * 10
    assert server.most == 4


async def test_leaving_the_queue_makes_room(tmp_path: Path) -> None:
    guard = UploadGuard(Server(), tmp_path, at_once=1)
    first, second = Client(guard), Client(guard)
    await asyncio.sleep(0.05)
    second.task.cancel()
    first.task.cancel()
    await asyncio.gather(first.task, second.task, return_exceptions=True)
    third = Client(guard)
    third.piece()
    assert await third.answer() == 200


async def test_a_body_that_stalls_is_dropped() -> None:
    server = Server()
    client = Client(BodyPace(server, idle=0.2))
    client.piece(b"x" * 100_000, more=True)
    assert await client.answer() == 408
    assert server.reading == 0


async def test_an_expected_error_is_reported_as_itself_through_the_app() -> None:
    async def catching(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
        except Exception:
            await send({"type": "http.response.start", "status": 400, "headers": []})
            await send({"type": "http.response.body"})

    assert await Client(BodyPace(catching, idle=0.1)).answer() == 408


async def test_a_body_that_arrives_too_slowly_is_dropped() -> None:
    client = Client(BodyPace(Server(), idle=0.4, slowest=1_000_000))
    for _ in range(100):
        client.piece(b"x", more=True)
        await asyncio.sleep(0.02)
        if client.task.done():
            break
    assert await client.answer() == 408


async def test_a_body_that_comes_is_taken() -> None:
    client = Client(BodyPace(Server(), idle=5, slowest=10))
    client.piece(b"x" * 1000, more=True)
    await asyncio.sleep(0.1)
    client.piece(b"x")
    assert await client.answer() == 200


async def test_waiting_for_its_turn_does_not_make_a_body_slow() -> None:
    server = Server()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(0.6)
        await server(scope, receive, send)

    client = Client(BodyPace(late, idle=0.3, slowest=1_000_000))
    client.piece(b"x")
    assert await client.answer() == 200
