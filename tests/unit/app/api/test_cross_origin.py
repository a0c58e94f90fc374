"""The API for web pages of other origins."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.access.limits.guards import AllowedPlaces, HostAndOrigin
from app.api.cross_origin import CrossOrigin

HERE = "http://127.0.0.1:8080"
NAMED = "https://app.example.org"


async def ask(method: str, path: str, origin: str, **headers: str) -> httpx2.Response:
    async def answer(request: Request) -> Response:
        return JSONResponse({}, 401)

    routes = [Route("/{path:path}", answer, methods=["GET", "POST"])]
    places = AllowedPlaces(loopback=True, port=8080, origins=f"{NAMED.upper()}/, http://pc.lan:9000")
    app: Any = HostAndOrigin(CrossOrigin(Starlette(routes=routes), origins=places.origins), places)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=HERE) as client:
        return await client.request(method, path, headers={"origin": origin, **headers})


PREFLIGHT = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-lang",
}


async def test_a_named_origin_may_ask_with_a_key_and_read_the_reply() -> None:
    allowed = await ask("OPTIONS", "/v1/chat/completions", NAMED, **PREFLIGHT)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == NAMED
    assert "x-stainless-lang" in allowed.headers["access-control-allow-headers"]
    # No cookie goes along, and a refusal can be read, too.
    assert "access-control-allow-credentials" not in allowed.headers
    reply = await ask("POST", "/v1/chat/completions", NAMED)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (401, NAMED)
    assert "Origin" in reply.headers["vary"]


@pytest.mark.parametrize(
    ("path", "origin"),
    [
        ("/v1/chat/completions", "https://evil.example"), ("/v1/models", "null"), ("/api/status", NAMED),
        ("/login", NAMED), ("/v1", NAMED),
    ],
)  # fmt: skip
async def test_no_other_origin_and_no_other_path_is_shared(path: str, origin: str) -> None:
    for reply in (await ask("OPTIONS", path, origin, **PREFLIGHT), await ask("GET", path, origin)):
        assert "access-control-allow-origin" not in reply.headers
