"""Who may see the status, and who decides about a download."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from app.access.limits.malformed import HonestErrors, on_invalid
from app.status.routes import watching
from app.status.wish import Wish
from engine.config import Settings


async def test_the_key_for_monitoring_sees_the_logs_and_decides_no_download(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, workspace=tmp_path, host="0.0.0.0")
    settings.files.create()
    state: Any = None
    no_admins: Any = SimpleNamespace(watches=lambda token: False)
    app = FastAPI()
    app.include_router(watching(settings, state, no_admins))
    app.add_middleware(HonestErrors)
    key = {"Authorization": f"Bearer {settings.files.watch_key.read_text().strip()}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=key) as client:
        assert (await client.get("/api/logs")).status_code == 200
        # 401 where Chainlit has been given a way to sign in.
        assert (await client.post("/api/download", json={"answer": "no"})).status_code in {401, 403}
    assert not settings.files.download.exists()


async def test_the_generator_is_behind_the_same_guard_and_takes_only_bounded_numbers(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, workspace=tmp_path, host="0.0.0.0")
    settings.files.create()
    state: Any = None
    no_admins: Any = SimpleNamespace(watches=lambda token: False)
    app = FastAPI()
    app.include_router(watching(settings, state, no_admins))
    app.add_exception_handler(RequestValidationError, on_invalid)
    key = {"Authorization": f"Bearer {settings.files.watch_key.read_text().strip()}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        assert (await client.get("/api/plan")).status_code == 401
        found = await client.get("/api/plan?model=Kimi-K2.5&accelerator=H100&nodes=2&without=tools", headers=key)
        assert found.status_code == 200
        assert found.json()["command"] == (
            "./start.sh plan --model Kimi-K2.5 --accelerator H100 --nodes 2 --without tools"
        )
        for wrong in (
            "count=0",
            "count=65",
            "nodes=17",
            "memory=99999",
            "model=" + "x" * 81,
            "count=",
            "&".join(["without=tools"] * 9),
        ):
            assert (await client.get(f"/api/plan?{wrong}", headers=key)).status_code == 422, wrong


async def test_of_many_choices_at_once_the_last_ones_are_planned(tmp_path: Path, monkeypatch: Any) -> None:
    settings = Settings(_env_file=None, workspace=tmp_path, host="0.0.0.0")
    settings.files.create()
    go, begun = threading.Event(), []

    def generated(wish: Wish, language: str) -> dict[str, Any]:
        begun.append(wish.nodes)
        assert go.wait(30)
        return {"nodes": wish.nodes}

    monkeypatch.setattr("app.status.planning._generated", generated)
    no_admins: Any = SimpleNamespace(watches=lambda token: False)
    state: Any = None
    app = FastAPI()
    app.include_router(watching(settings, state, no_admins))
    app.add_middleware(HonestErrors)
    key = {"Authorization": f"Bearer {settings.files.watch_key.read_text().strip()}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=key) as client:
        asked = [asyncio.create_task(client.get(f"/api/plan?nodes={nodes}")) for nodes in range(1, 17)]
        done, _ = await asyncio.wait(asked, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        assert {task.result().status_code for task in done} == {429}
        go.set()
        statuses = [reply.status_code for reply in await asyncio.gather(*asked)]
    assert statuses == [200] + [429] * 7 + [200] * 8
    assert begun == [1, *range(9, 17)]
