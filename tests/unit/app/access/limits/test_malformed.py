"""An exception in a route becomes one sentence with a status, and one short line in the log."""

from __future__ import annotations

import errno
import json
import logging
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.types import ASGIApp

from app.access.limits.guards import BodyLimit
from app.access.limits.malformed import HonestErrors, SoundRequests, on_invalid
from app.errors import HistoryError, Refusal
from tests.unit.app.access.limits.test_guards import ask

SECRET = "what was typed"


class Wanted(BaseModel):
    """A body."""

    number: float
    name: str = ""


def page(error: Exception | None = None, *, trusting: bool = False) -> ASGIApp:
    """An application whose route raises `error`."""
    app = FastAPI()
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_middleware(HonestErrors, trusting=trusting)
    app.add_middleware(SoundRequests)

    @app.post("/route")
    async def route(request: Request) -> str:
        if error:
            raise error
        return (await request.body()).decode()

    app.add_api_route("/ws/socket.io/", route, methods=["POST"])

    @app.post("/checked")
    async def checked(wanted: Wanted) -> str:
        return wanted.name

    return app


@pytest.mark.parametrize(
    ("error", "trusting", "status", "words"),
    [
        (Refusal(429, "refused_searches"), False, 429, "searches"),
        (HistoryError("the database is away"), False, 503, "chats cannot be read"),
        (OSError(errno.ENOSPC, SECRET), False, 507, "disk is full"),
        (ValueError(SECRET), True, 400, "not a request that the page sends"),
        (KeyError(SECRET), True, 400, "not a request that the page sends"),
        (ValueError(SECRET), False, 500, "Something went wrong"),
        (RuntimeError(SECRET), True, 500, "Something went wrong"),
        (HTTPException(404, "Not Found"), True, 404, "Not Found"),
    ],
)
async def test_an_exception_in_a_route_becomes_a_sentence(
    caplog: pytest.LogCaptureFixture, error: Exception, trusting: bool, status: int, words: str
) -> None:
    caplog.set_level(logging.INFO)
    reply = await ask(page(error, trusting=trusting), "POST", "/route", json={"a": SECRET})
    assert reply.status_code == status
    assert words in reply.json()["detail"]
    assert SECRET not in reply.text + caplog.text
    written = [record for record in caplog.records if record.name.startswith("app")]
    assert len(written) <= 1
    assert len(caplog.text) < 500
    if status == 500:
        assert "test_malformed.py:" in caplog.text


@pytest.mark.parametrize("body", [b"[]", b"null", b"{", b'{"number":1e400}', b'{"number":1,"name":"\\ud800"}', b"\xff"])
async def test_a_body_that_is_not_sound_reaches_no_route(body: bytes) -> None:
    for path in ("/route", "/checked"):
        reply = await ask(page(AssertionError("it was reached")), "POST", path, content=body)
        assert reply.status_code == 400
        assert "not a request that the page sends" in reply.json()["detail"]


async def test_a_sound_body_reaches_its_route_whole() -> None:
    body = json.dumps({"a": "店铺" * 100_000}).encode()
    assert (await ask(page(), "POST", "/route", content=body)).json() == body.decode()
    assert (await ask(page(), "POST", "/route")).json() == ""
    packet = await ask(page(), "POST", "/ws/socket.io/", content=b'40{"sessionId":"x"}')
    assert packet.json() == '40{"sessionId":"x"}'
    form = await ask(page(), "POST", "/route", data={"username": "anna"})
    assert form.json() == "username=anna"


async def test_a_body_that_does_not_fit_its_route_is_refused_without_being_repeated() -> None:
    reply = await ask(page(), "POST", "/checked", json={"number": SECRET})
    assert reply.status_code == 422
    assert SECRET not in reply.text
    assert isinstance(reply.json()["detail"], str)


@pytest.mark.parametrize("path", ["/route%00", "/route?session_id=%00"])
async def test_an_address_with_a_nul_is_refused(path: str) -> None:
    assert (await ask(page(), "POST", path)).status_code == 400


async def test_a_guard_that_cuts_a_body_off_says_so_itself() -> None:
    guarded: Any = BodyLimit(page(), upload=1000, other=10)
    reply = await ask(guarded, "POST", "/route", content=b'{"a": "more than ten"}')
    assert reply.status_code == 413
