"""Which headers of a proxy are trusted, and from which address."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from app.access.limits.guards import AllowedPlaces
from app.access.proxies import Forwarded
from engine.config import ConfigError, load_settings

PROXIES = "127.0.0.1, 10.0.0.0/8, fd00::/8"
PLACES = AllowedPlaces(loopback=True, port=8080, origins="https://chat.example.org")


async def seen(
    headers: dict[str, str] | list[tuple[str, str]],
    *,
    peer: str = "127.0.0.1",
    proxies: str = PROXIES,
    auth_header: str = "",
    kind: str = "http",
) -> Scope:
    """The scope as the page gets it."""
    arrived: list[Scope] = []

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.append(scope)

    pairs = headers.items() if isinstance(headers, dict) else headers
    raw = [(name.lower().encode(), value.encode()) for name, value in pairs]
    scope: dict[str, Any] = {"type": kind, "client": (peer, 5), "scheme": "http", "headers": raw}
    if kind == "websocket":
        scope["scheme"] = "ws"
    await Forwarded(page, proxies, PLACES, auth_header)(scope, None, None)  # type: ignore[arg-type]
    return arrived[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        # The browser's own value is to the left of the proxy's.
        ("127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("10.9.9.9", "203.0.113.9:4711", "203.0.113.9"),
        ("::ffff:10.9.9.9", "[2001:db8::7]:4711", "2001:db8::7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("127.0.0.1", "6.6.6.6, nonsense", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.1.1.1", "127.0.0.1"),
        # Only listed proxies are trusted, whatever the header.
        ("192.0.2.1", "6.6.6.6", "192.0.2.1"),
        ("11.0.0.1", "10.0.0.1", "11.0.0.1"),
        ("", "6.6.6.6", ""),
    ],
)
async def test_the_client_is_the_right_most_address_that_is_no_proxy(peer: str, forwarded: str, client: str) -> None:
    assert (await seen({"x-forwarded-for": forwarded}, peer=peer))["client"][0] == client


async def test_several_headers_are_one_list() -> None:
    headers = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.9")]
    assert (await seen(headers))["client"][0] == "203.0.113.9"


async def test_no_proxy_is_trusted_unless_it_is_listed() -> None:
    headers = {"x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https"}
    scope = await seen(headers, proxies="")
    assert (scope["client"][0], scope["scheme"]) == ("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("proto", "host", "peer", "secure"),
    [
        ("https", "a", "10.0.0.1", True),
        ("HTTPS", "a", "10.0.0.1", True),
        ("http", "a", "10.0.0.1", False),
        ("http, https", "a", "10.0.0.1", True),
        ("gopher", "a", "10.0.0.1", False),
        ("https", "a", "192.0.2.1", False),
        # Its owner says that this name is reached by https.
        ("", "chat.example.org", "192.0.2.1", True),
        ("", "CHAT.example.org", "10.0.0.1", True),
        ("http", "chat.example.org", "10.0.0.1", False),
        ("", "chat.example.org:8080", "192.0.2.1", False),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_https_is_what_a_named_proxy_or_the_owner_says(
    proto: str, host: str, peer: str, secure: bool, kind: str
) -> None:
    headers = {"host": host} | ({"x-forwarded-proto": proto} if proto else {})
    plain = "http" if kind == "http" else "ws"
    assert (await seen(headers, peer=peer, kind=kind))["scheme"] == (f"{plain}s" if secure else plain)


@pytest.mark.parametrize(
    ("proxies", "peer", "believed"),
    [
        ("", "127.0.0.1", True),
        ("", "::1", True),
        ("", "::ffff:127.0.0.1", True),
        ("", "192.0.2.1", False),
        ("10.0.0.5", "10.0.0.5", True),
        ("10.0.0.5", "10.0.0.6", False),
        ("10.0.0.5", "127.0.0.1", False),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_a_persons_name_is_believed_from_a_proxy_alone(
    proxies: str, peer: str, believed: bool, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        scope = await seen({"x-user": "anna"}, peer=peer, proxies=proxies, auth_header="X-User", kind=kind)
    assert ((b"x-user", b"anna") in scope["headers"]) is believed
    assert ("KIMI_PROXIES" in caplog.text) is not believed


async def test_a_name_that_comes_twice_is_nobodys() -> None:
    scope = await seen([("X-User", "admin"), ("X-User", "anna")], auth_header="X-User")
    assert scope["headers"] == []


@pytest.mark.parametrize("value", ["localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.1 10.0.0.2", "*"])
def test_a_proxy_that_is_no_address_is_refused_at_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMI_PROXIES", value)
    with pytest.raises(ConfigError, match="KIMI_PROXIES is"):
        load_settings()
