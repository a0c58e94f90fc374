"""Azure's hybrid sign-in: the browser posts its answer from Microsoft's page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import chainlit as cl
import httpx2
import pytest
from chainlit import oauth_providers, server
from chainlit.config import config
from fastapi import FastAPI

from app.access.form_post import CALLBACK_PATH, START_PATH, form_post, posted_callbacks
from app.access.limits.guards import AllowedPlaces, HostAndOrigin

MICROSOFT = {"origin": "https://login.microsoftonline.com"}
CODE = "a-code"


@pytest.fixture
async def browser(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser at a page with that provider; what Microsoft's servers would say is scripted."""
    for name in oauth_providers.AzureADHybridOAuthProvider.env:
        monkeypatch.setenv(name, "a-value")
    provider = oauth_providers.AzureADHybridOAuthProvider()
    monkeypatch.setattr(server, "get_oauth_provider", {provider.id: provider}.get)

    async def get_token(code: str, url: str) -> str:
        assert (code, url) == (CODE, f"https://chat.example.org{CALLBACK_PATH}")
        return "a-token"

    async def get_user_info(token: str) -> tuple[dict[str, str], cl.User]:
        return {}, cl.User("anna@example.org")

    async def listed(*_: object) -> cl.User:
        return cl.User("azure-ad-hybrid:anna@example.org")

    monkeypatch.setattr(provider, "get_token", get_token)
    monkeypatch.setattr(provider, "get_user_info", get_user_info)
    monkeypatch.setattr(config.code, "oauth_callback", listed)
    monkeypatch.setattr(server, "get_data_layer", lambda: None)
    app = FastAPI()
    app.include_router(form_post())
    app.mount("/", server.app)
    places = AllowedPlaces(loopback=True, port=8080, origins="https://chat.example.org")
    guarded = HostAndOrigin(app, places, from_anywhere=posted_callbacks())
    transport = httpx2.ASGITransport(app=guarded)
    async with httpx2.AsyncClient(transport=transport, base_url="https://chat.example.org") as client:
        yield client


async def state_of(browser: httpx2.AsyncClient) -> str:
    """Begins to sign in; the state that Microsoft is given."""
    reply = await browser.get(START_PATH)
    [cookie] = reply.headers.get_list("set-cookie")
    # A request from Microsoft's page carries no other cookie.
    assert "SameSite=None" in cookie
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    assert "lax" not in cookie.lower()
    asked = parse_qs(urlsplit(reply.headers["location"]).query)
    assert asked["response_mode"] == ["form_post"]
    return asked["state"][0]


async def test_the_posted_answer_signs_in(browser: httpx2.AsyncClient) -> None:
    state = await state_of(browser)
    reply = await browser.post(CALLBACK_PATH, data={"code": CODE, "state": state, "id_token": "x"}, headers=MICROSOFT)
    assert (reply.status_code, reply.headers["location"]) == (303, "/login/callback?success=True")
    assert any(cookie.startswith("access_token=") for cookie in reply.headers.get_list("set-cookie"))


@pytest.mark.parametrize("state", ["", "another", None])
async def test_an_answer_that_this_browser_did_not_request_signs_no_one_in(
    browser: httpx2.AsyncClient, state: str | None
) -> None:
    if state is not None:
        await state_of(browser)
    for origin in (MICROSOFT, {"origin": "https://evil.example"}, {"origin": "null"}):
        sent = {"code": CODE, "state": state or "", "id_token": "x"}
        reply = await browser.post(CALLBACK_PATH, data=sent, headers=origin)
        assert (reply.status_code, reply.headers["location"]) == (303, "/login?error=oauthSignin")
        assert not any(cookie.startswith("access_token=") for cookie in reply.headers.get_list("set-cookie"))


async def test_microsofts_refusal_leads_back_to_the_form(browser: httpx2.AsyncClient) -> None:
    sent = {"error": "access_denied", "state": await state_of(browser)}
    reply = await browser.post(CALLBACK_PATH, data=sent, headers=MICROSOFT)
    assert reply.status_code == 303
    assert "error=oauthSignin" in reply.headers["location"]


def test_without_that_provider_no_other_site_posts_anywhere() -> None:
    assert posted_callbacks() == frozenset()
