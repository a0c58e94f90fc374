"""Who may see the status, and who decides about a download."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
from fastapi import FastAPI

from app.status.routes import watching
from engine.config import Settings


async def test_the_key_for_monitoring_sees_the_logs_and_decides_no_download(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, workspace=tmp_path, host="0.0.0.0")
    settings.files.create()
    state: Any = None
    no_admins: Any = SimpleNamespace(watches=lambda token: False)
    app = FastAPI()
    app.include_router(watching(settings, state, no_admins))
    key = {"Authorization": f"Bearer {settings.files.watch_key.read_text().strip()}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080", headers=key) as client:
        assert (await client.get("/api/logs")).status_code == 200
        # 401 where Chainlit has been given a way to sign in.
        assert (await client.post("/api/download", json={"answer": "no"})).status_code in {401, 403}
    assert not settings.files.download.exists()
