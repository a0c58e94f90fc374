"""Pictures by URL: which are fetched, from where, and what prevents everything else.

A web server on this machine plays the public Internet: a name resolves to it, and its address is permitted.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from app.api import remote_pictures
from app.api.addresses import is_public
from app.api.errors import ApiError
from app.api.remote_pictures import RemotePictures

MOST = 100_000


class Names(AbstractResolver):
    """A resolver whose answers a test decides: one list of addresses for each look-up, the last one for all later."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host, host=address, port=port, proto=0, flags=flags,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
            )
            for address in found
        ]  # fmt: skip

    async def close(self) -> None:
        pass


@dataclass
class Site:
    """A web server and its requests."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def pictures(self, permitted: Callable[[str], bool], *answers: list[str]) -> tuple[RemotePictures, Names]:
        """A client that fetches `pictures.example` from this site, and its resolver."""
        names = Names(*answers)
        return RemotePictures(f"pictures.example:{self.port}", permitted, lambda: names), names


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site()

    async def serve(request: web.Request) -> web.StreamResponse:
        found.asked.append(request.path)
        found.headers.append(dict(request.headers))
        match request.path:
            case "/a.png":
                return web.Response(body=b"bytes of a picture", headers={"Set-Cookie": "a=1"})
            case "/away":
                raise web.HTTPFound(f"http://pictures.example:{found.port}/a.png")
            case "/packed":
                return web.Response(body=b"\x1f\x8b not unpacked", headers={"Content-Encoding": "gzip"})
            case "/large" | "/endless":
                response = web.StreamResponse()
                await response.prepare(request)
                for _ in range(100 if request.path == "/large" else 10_000):
                    await response.write(b"x" * 10_000 if request.path == "/large" else b"x")
                    await asyncio.sleep(0 if request.path == "/large" else 0.05)
                return response
        raise web.HTTPNotFound

    app = web.Application()
    app.router.add_get("/{path:.*}", serve)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.port = runner.addresses[0][1]
    yield found
    await runner.cleanup()


def anything(address: str) -> bool:
    return True


async def refusal(pictures: RemotePictures, url: str) -> ApiError:
    with pytest.raises(ApiError) as raised:
        await pictures.fetch(url, MOST, "messages[0].content[0]")
    assert raised.value.status == 400
    assert raised.value.param == "messages[0].content[0]"
    assert "data: URL" in raised.value.message
    return raised.value


async def test_a_picture_comes_from_a_host_that_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    pictures, names = site.pictures(anything, ["127.0.0.1"])
    assert await pictures.fetch(f"http://Pictures.Example:{site.port}/a.png?x=1", MOST, "x") == b"bytes of a picture"
    assert await pictures.fetch(f"http://pictures.example:{site.port}/packed", MOST, "x") == b"\x1f\x8b not unpacked"
    assert names.asked == 2
    assert site.headers[0]["Host"] == f"pictures.example:{site.port}"
    assert "Cookie" not in site.headers[1]
    assert "Authorization" not in str(site.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://other.example:{port}/a.png", "http://sub.pictures.example:{port}/a.png", "http://pictures.example./a.png",
        "http://pictures.example:{port}.other.example/a.png", "http://pictures.example/a.png", "http://127.0.0.1:{port}/",
        "http://pictures.example:{port}@other.example/", "http://user@pictures.example:{port}/a.png",
        "http://user:pw@pictures.example:{port}/a.png", "http://:pw@pictures.example:{port}/a.png",
        "http://other.example\\@pictures.example:{port}/", "http://pictures.example:{port}\\@other.example/",
        " http://pictures.example:{port}/a.png", "http://pictures.example:{port}/a.png\n", "http://pict\tures.example:{port}/",
        "http://pictures.example:99999/", "http://pictures.example:x/", "http://[::1/", "http://", "http:///a.png",
        "ftp://pictures.example:{port}/a.png", "file://pictures.example:{port}/a.png", "pictures.example:{port}/a.png",
        "//pictures.example:{port}/a.png", "http://pictures.example:{port}/" + "a" * 9000, "http://picturés.example:{port}/",
    ],
)  # fmt: skip
async def test_any_other_url_is_refused_without_a_look_up(site: Site, url: str) -> None:
    pictures, names = site.pictures(anything, ["127.0.0.1"])
    assert (await refusal(pictures, url.replace("{port}", str(site.port)))).code == "picture_url_refused"
    assert names.asked == 0
    assert site.asked == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["::1"],
        ["10.0.0.1"],
        ["fe80::1"],
        ["2002:7f00:1::"],
    ],
)
async def test_a_name_with_an_inner_address_is_never_connected_to(site: Site, addresses: list[str]) -> None:
    pictures, names = site.pictures(is_public, addresses)
    assert (await refusal(pictures, f"http://pictures.example:{site.port}/a.png")).code == "picture_url_refused"
    assert names.asked == 1
    assert site.asked == []


async def test_the_connection_goes_to_the_address_that_was_checked(site: Site) -> None:
    """A name whose address changes between the check and the connection gains nothing."""
    pictures, names = site.pictures(lambda address: address == "127.0.0.1", ["127.0.0.1"], ["127.0.0.2"])
    await pictures.fetch(f"http://pictures.example:{site.port}/a.png", MOST, "x")
    assert names.asked == 1
    await refusal(pictures, f"http://pictures.example:{site.port}/a.png")
    assert site.asked == ["/a.png"]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254"])
async def test_a_numeric_host_is_checked_although_nothing_looks_it_up(site: Site, host: str) -> None:
    pictures = RemotePictures(f"{host}:{site.port}")
    assert (await refusal(pictures, f"http://{host}:{site.port}/a.png")).code == "picture_url_refused"
    assert site.asked == []


async def test_a_redirect_is_not_followed(site: Site) -> None:
    pictures, names = site.pictures(anything, ["127.0.0.1"])
    assert "redirects" in (await refusal(pictures, f"http://pictures.example:{site.port}/away")).message
    assert (names.asked, site.asked) == (1, ["/away"])


@pytest.mark.parametrize(("path", "reason"), [("/none", "answers 404"), ("/large", "larger than")])
async def test_a_broken_reply_is_reported(site: Site, path: str, reason: str) -> None:
    pictures, _ = site.pictures(anything, ["127.0.0.1"])
    error = await refusal(pictures, f"http://pictures.example:{site.port}{path}")
    assert reason in error.message
    assert error.code == "picture_not_fetched"


async def test_a_host_that_sends_for_ever_is_left(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_pictures, "SECONDS", 1.0)
    pictures, _ = site.pictures(anything, ["127.0.0.1"])
    async with asyncio.timeout(30):
        error = await refusal(pictures, f"http://pictures.example:{site.port}/endless")
    assert "longer than 1 s" in error.message


async def test_a_host_that_is_missing_or_speaks_no_http_is_reported(site: Site) -> None:
    pictures, _ = site.pictures(anything, ["127.0.0.1"])
    assert "does not answer" in (await refusal(pictures, f"https://pictures.example:{site.port}/a.png")).message

    async def failing(*_: Any) -> list[ResolveResult]:
        raise OSError("no such name")

    names = Names()
    names.resolve = failing  # type: ignore[method-assign]
    pictures = RemotePictures("pictures.example", anything, lambda: names)
    assert "does not answer" in (await refusal(pictures, "https://pictures.example/a.png")).message


async def test_without_the_setting_no_host_is_asked(site: Site) -> None:
    await refusal(RemotePictures("", anything), f"http://127.0.0.1:{site.port}/a.png")
    assert site.asked == []
