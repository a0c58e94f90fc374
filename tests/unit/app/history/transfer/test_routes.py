"""Export and import over HTTP: only one's own chats, within limits, and a sentence for each failure."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from chainlit.auth import get_current_user
from chainlit.user import User
from fastapi import FastAPI, Request
from starlette.types import ASGIApp

from app.access.limits.malformed import HonestErrors
from app.errors import HistoryError
from app.files.pictures import NormalPicture, PictureLimits, normalise
from app.files.uploads import UploadStore
from app.history.store import History
from app.history.transfer import imports, routes
from app.history.users import Users
from tests.instruments.pictures import png, shop_sign
from tests.unit.app.access.limits.test_guards import ask
from tests.unit.app.history.test_store import load

CHAT: dict[str, Any] = {
    "format": "kimi-vl-chat",
    "version": 1,
    "name": "A chat",
    "turns": [{"id": "a", "text": "hello", "answers": [{"text": "hi", "ending": "stop"}]}],
}


def with_picture(**more: Any) -> bytes:
    """A chat with a picture."""
    picture = {"name": "a.png", "data": base64.b64encode(png(shop_sign("TEA"))).decode()}
    return json.dumps({**CHAT, "turns": [{**CHAT["turns"][0], "pictures": [picture]}], **more}).encode()


@pytest.fixture
def store(history: History) -> Iterator[UploadStore]:
    store = UploadStore(history.uploads)
    yield store
    store.close()


@pytest.fixture
def page(history: History, users: Users, store: UploadStore) -> ASGIApp:
    """Only the routes; a header names the person."""
    app = FastAPI()
    app.add_middleware(HonestErrors)
    app.include_router(routes.export_routes(history, users, store))

    async def user(request: Request) -> User:
        return User(identifier=request.headers["person"])

    app.dependency_overrides[get_current_user] = user
    return app


async def bring_in(page: ASGIApp, body: bytes, person: str = "anna") -> httpx2.Response:
    return await ask(page, "POST", routes.IMPORT_PATH, content=body, headers={"person": person})


async def fetch(page: ASGIApp, path: str, person: str = "anna") -> httpx2.Response:
    return await ask(page, path=path, headers={"person": person})


async def test_a_chat_is_exported_and_imported_for_its_owner_only(page: ASGIApp, history: History) -> None:
    reply = await bring_in(page, with_picture(name="店铺"))
    path = f"/api/threads/{reply.json()['threadId']}"
    again = await bring_in(page, (await fetch(page, f"{path}/chat.json")).content, "bert")
    thread = await load(history, again.json()["threadId"], "bert")
    assert (thread.owner, thread.name) == ("bert", "店铺")
    markdown = await fetch(page, f"{path}/markdown")
    assert markdown.content.startswith(b"PK")
    assert markdown.headers["content-disposition"].endswith(".zip")
    first = await load(history, reply.json()["threadId"])
    answer = f"/api/answers/{first.conversation.turns[0].answers[0].id}/answer.md"
    assert (await fetch(page, answer)).text == "hi"
    for other in (f"{path}/chat.json", f"{path}/markdown", answer):
        assert (await fetch(page, other, "bert")).status_code == 404
    assert not list(history.uploads.glob(f"*/{imports.MARK}"))


async def test_a_chat_without_pictures_is_saved_as_one_file(page: ASGIApp) -> None:
    thread_id = (await bring_in(page, json.dumps(CHAT).encode())).json()["threadId"]
    reply = await fetch(page, f"/api/threads/{thread_id}/markdown")
    assert reply.headers["content-disposition"] == "attachment; filename*=UTF-8''A%20chat.md"
    assert reply.text.startswith("# A chat\n\n## Question · ")


async def test_a_flood_of_values_is_refused_unparsed(page: ASGIApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "take_in", None)
    body = json.dumps(CHAT).encode()[:-1] + b',"settings":{"stop":[' + b"[]," * 2_000_000 + b"[]]}}"
    reply = await bring_in(page, body)
    assert reply.status_code == 400
    assert "500,000 values" in reply.json()["detail"]


async def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    page: ASGIApp, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = json.dumps({**CHAT, "name": "n" * 3_000_000}).encode()

    def no_room(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    async def not_written(*_: object) -> None:
        raise HistoryError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(routes, "_is_full", lambda folder: True)
        replies = [await bring_in(page, large)]
        patched.setattr(imports, "keep", not_written)
        replies.append(await bring_in(page, with_picture()))
    with monkeypatch.context() as patched:
        patched.setattr(imports, "_write", no_room)
        replies.append(await bring_in(page, with_picture()))
    assert [reply.status_code for reply in replies] == [507] * 3
    assert {reply.json()["detail"] for reply in replies} == {"The disk is full: delete old files and try again."}
    assert list(history.uploads.iterdir()) == []
    assert (await bring_in(page, large)).status_code == 200


async def test_a_large_import_of_one_person_does_not_delay_another_person(
    page: ASGIApp, store: UploadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = asyncio.Event()

    async def held(data: bytes, limits: PictureLimits, person: str) -> NormalPicture:
        if person == "anna":
            await go.wait()
        return normalise(data, limits)

    monkeypatch.setattr(store, "normalised", held)
    monkeypatch.setattr(routes, "_SMALL_BYTES", 1)
    large = [asyncio.create_task(bring_in(page, with_picture())) for _ in range(5)]
    while not any(task.done() for task in large):
        if (await asyncio.wait_for(bring_in(page, with_picture(), "bert"), 30)).status_code == 200:
            break
    assert not any(task.done() for task in large)
    go.set()
    assert {reply.status_code for reply in await asyncio.gather(*large)} == {200}


async def test_a_file_that_is_no_chat_is_rejected_in_a_sentence(page: ASGIApp, history: History) -> None:
    for body in (
        b"",
        b"[]",
        b"\xff",
        json.dumps({**CHAT, "turns": [{"id": "a", "text": "a", "asked": 5e11}]}).encode(),
    ):
        reply = await bring_in(page, body)
        assert (reply.status_code, reply.json()["detail"][:24]) == (400, "This file is not a chat:")
    assert list(history.uploads.iterdir()) == []
