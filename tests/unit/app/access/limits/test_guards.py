"""The guards around the page, each with a request that it rejects."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.access.limits.guards import AllowedPlaces, BodyLimit, HostAndOrigin, SecureHeaders, SignIns
from app.access.sign_in_request import sign_in_request

LOCAL = AllowedPlaces(loopback=True, port=8080, origins="https://chat.example.org/, http://pc.lan:9000")
ANYWHERE = AllowedPlaces(loopback=False, port=8080)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body; `/login` accepts the password `right`."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    status = 401 if scope["path"] == "/login" and body != b"right" else 200
    headers = [(b"set-cookie", b"a=1; HttpOnly"), (b"set-cookie", b"b=2; Secure")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


async def ask(app: Any, method: str = "GET", path: str = "/", **options: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, client=options.pop("client", ("1.2.3.4", 5)))
    base_url = options.pop("base_url", "http://127.0.0.1:8080")
    async with httpx2.AsyncClient(transport=transport, base_url=base_url) as client:
        return await client.request(method, path, **options)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8080", True), ("localhost:8080", True), ("[::1]:8080", True), ("LOCALHOST:8080", True),
        ("chat.example.org", True), ("pc.lan:9000", True),
        ("127.0.0.1:9999", False), ("evil.example:8080", False), ("localhost.evil.example:8080", False), ("", False),
    ],
)  # fmt: skip
async def test_a_local_page_answers_to_its_own_names_only(host: str, allowed: bool) -> None:
    response = await ask(HostAndOrigin(echo, LOCAL), headers={"host": host})
    assert response.status_code == (200 if allowed else 421)


async def test_a_public_page_answers_to_any_name() -> None:
    assert (await ask(HostAndOrigin(echo, ANYWHERE), headers={"host": "whatever:80"})).status_code == 200


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True), ("http://127.0.0.1:8080", True), ("https://chat.example.org", True),
        ("https://evil.example", False), ("null", False), ("http://127.0.0.1:3000", False), ("", False),
        ("http://127.0.0.1:8080.evil.example", False), ("http://evil.example/127.0.0.1:8080", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("places", [LOCAL, ANYWHERE])
async def test_another_site_gets_nothing_done(origin: str | None, allowed: bool, places: AllowedPlaces) -> None:
    if places is ANYWHERE and origin == "https://chat.example.org":
        allowed = False
    headers = {} if origin is None else {"origin": origin}
    response = await ask(HostAndOrigin(echo, places), "POST", headers=headers)
    assert response.status_code == (200 if allowed else 403)


@pytest.mark.parametrize(("origin", "reached"), [("http://127.0.0.1:8080", True), ("https://evil.example", False)])
async def test_a_websocket_of_another_site_is_closed_before_it_opens(origin: str, reached: bool) -> None:
    arrived: list[Scope] = []
    sent: list[Message] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.append(scope)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1:8080"), (b"origin", origin.encode())]
    await HostAndOrigin(inner, LOCAL)({"type": "websocket", "path": "/ws", "headers": headers}, receive, send)
    assert bool(arrived) is reached
    assert [message["type"] for message in sent] == ([] if reached else ["websocket.close"])


async def chunks(count: int, size: int, read: list[int]) -> AsyncIterator[bytes]:
    for number in range(count):
        read.append(number)
        yield b"x" * size


async def test_a_body_is_cut_off_as_soon_as_it_is_too_large() -> None:
    app = BodyLimit(echo, upload=5000, other=1000)
    assert (await ask(app, "POST", "/x", content=b"x" * 1000)).text == "1000"
    assert (await ask(app, "POST", "/x", content=b"x" * 1001)).status_code == 413
    assert (await ask(app, "POST", "/project/file", content=b"x" * 5000)).text == "5000"
    assert (await ask(app, "POST", "/project/file", content=b"x" * 5001)).status_code == 413


async def test_a_body_that_does_not_say_its_size_is_counted_while_it_comes() -> None:
    read: list[int] = []
    response = await ask(BodyLimit(echo, upload=5000, other=1000), "POST", "/x", content=chunks(100, 600, read))
    assert response.status_code == 413
    assert "MB" in response.json()["detail"]


async def test_a_body_that_lies_about_its_size_is_refused() -> None:
    response = await ask(BodyLimit(echo, 10, 10), "POST", "/x", headers={"content-length": "-5"}, content=b"")
    assert response.status_code == 413


async def test_a_sign_in_is_known_by_its_address_and_remembered_where_it_was_right() -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        request = sign_in_request.get()
        assert (request.address, request.cookie) == ("9.9.9.9", "before")
        request.remember = "from now on"
        await echo(scope, receive, send)

    headers = {"cookie": "known_device=before"}
    for password, remembered in [(b"right", True), (b"wrong", False)]:
        reply = await ask(SignIns(page), "POST", "/login", content=password, client=("9.9.9.9", 1), headers=headers)
        kept = [value for value in reply.headers.get_list("set-cookie") if value.startswith("known_device=")]
        assert bool(kept) is remembered


async def test_a_sign_in_that_has_to_wait_says_how_long() -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        sign_in_request.get().wait = 90.5
        await echo(scope, receive, send)

    for language, words in [("en", "please wait 2 min"), ("zh-CN", "请等待 2 分钟")]:
        reply = await ask(SignIns(page), "POST", "/login", content=b"wrong", headers={"accept-language": language})
        assert (reply.status_code, reply.headers["retry-after"]) == (429, "91")
        assert words in reply.json()["detail"]


async def test_another_site_may_post_where_that_was_agreed_and_nothing_else_there() -> None:
    app = HostAndOrigin(echo, LOCAL, from_anywhere={"/back"})
    headers = {"origin": "https://login.microsoftonline.com"}
    assert (await ask(app, "POST", "/back", headers=headers)).status_code == 200
    assert (await ask(app, "GET", "/back", headers=headers)).status_code == 403
    assert (await ask(app, "POST", "/back/more", headers=headers)).status_code == 403
    assert (await ask(app, "POST", "/back", headers=headers | {"host": "evil.example"})).status_code == 421


async def test_every_response_has_the_security_headers() -> None:
    app = SecureHeaders(HostAndOrigin(echo, LOCAL), "the policy")
    for host in ("127.0.0.1:8080", "evil.example"):
        headers = (await ask(app, headers={"host": host})).headers
        assert headers["content-security-policy"] == "the policy"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_an_uploaded_file_is_shown_without_any_rights() -> None:
    headers = (await ask(SecureHeaders(echo, "the policy"), path="/project/file/some-id")).headers
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_no_proxy_keeps_a_response_for_others_unless_it_says_so_itself() -> None:
    async def file(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("mine", headers={"Cache-Control": "no-store"})(scope, receive, send)

    assert (await ask(SecureHeaders(echo, ""), path="/project/file/x")).headers["cache-control"] == "private, no-cache"
    assert (await ask(SecureHeaders(file, ""))).headers["cache-control"] == "no-store"


async def test_cookies_are_secure_where_the_page_is() -> None:
    app = SecureHeaders(echo, "")
    plain = (await ask(app)).headers.get_list("set-cookie")
    secure = (await ask(app, base_url="https://127.0.0.1:8080")).headers.get_list("set-cookie")
    assert plain == ["a=1; HttpOnly", "b=2; Secure"]
    assert secure == ["a=1; HttpOnly; Secure", "b=2; Secure"]
