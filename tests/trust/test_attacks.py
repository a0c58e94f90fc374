"""Attacks on a page that others can reach: without a password, with one, and by files in its folders."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

import psutil
import pytest

from engine.status import Reason
from tests.browser.access.test_safety import Caller
from tests.instruments import bad_files
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import LONG, Visitor, shown

OPEN = {
    "/", "/login", "/logout", "/healthz", "/readyz", "/auth/config", "/api/sign-in", "/project/translations",
    "/set-session-cookie",
    "/favicon", "/manifest.json", "/health", "/logo", "/robots.txt", "/{full_path:path}",
}  # fmt: skip
"""The paths that answer a stranger: the page's own files, sign-in, and health."""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that others can reach, with its generated password."""
    with ScriptedProduct(tmp_path_factory.mktemp("public") / "workspace", KIMI_HOST="0.0.0.0") as product:
        yield product


def log_in(product: ScriptedProduct, password: str) -> tuple[int, Caller]:
    caller = Caller(product)
    form = urlencode({"username": "visitor", "password": password}).encode()
    status, headers, _ = caller.request("POST", "/login", form, Content_Type="application/x-www-form-urlencoded")
    caller.cookie = (headers["Set-Cookie"] or "").split(";")[0]
    return status, caller


def all_routes() -> Iterator[tuple[str, str]]:
    """Every method and path of the page, ours and Chainlit's, with a value for each parameter."""
    from chainlit.server import app as chainlit_app

    for route in chainlit_app.routes:
        for method in getattr(route, "methods", None) or ():
            yield method, re.sub(r"{[^}]*}", str(uuid.uuid4()), route.path)
    thread, file = uuid.uuid4(), "0" * 64 + ".png"
    yield from [
        ("GET", "/api/status"), ("POST", "/api/retry"), ("GET", f"/project/thread/{thread}/picture/{file}"),
        ("PUT", "/feedback"), ("DELETE", "/feedback"), ("POST", "/api/threads/import"), ("GET", "/metrics"),
        ("GET", f"/api/threads/{thread}/export"), ("GET", f"/api/answers/{thread}/answer.md"),
        ("POST", "/v1/chat/completions"), ("POST", "/v1/responses"), ("POST", "/v1/completions"),
        ("GET", "/v1/models"), ("GET", "/v1/models/x"), ("POST", "/api/sign-out-everywhere"),
    ]  # fmt: skip


def test_a_stranger_gets_an_answer_only_from_the_routes_for_signing_in(public: ScriptedProduct) -> None:
    stranger = Caller(public)
    tried = sorted(set(all_routes()))
    assert len(tried) > 40
    answered = []
    for method, path in tried:
        if path in OPEN or path.startswith("/avatars/") or method in {"HEAD", "OPTIONS"}:
            continue
        status, headers, body = stranger.request(method, path, b"{}", Content_Type="application/json")
        # Any path that is not there is the page itself, which asks for the password.
        if status < 400 and not (method == "GET" and "text/html" in headers["Content-Type"]):
            answered.append((method, path, status, body[:100]))
        assert status < 500, (method, path, status)
    assert answered == [], "\n".join(map(str, answered))


def test_no_reply_and_no_error_contains_a_secret(public: ScriptedProduct) -> None:
    password = public.files.password.read_text().strip()
    secrets = [path.read_text().strip() for path in (public.files.engine_key, public.files.auth_secret)] + [password]
    _, person = log_in(public, password)
    for caller in (Caller(public), person):
        for path in ["/", "/user", "/project/settings?language=en-US", "/project/translations?language=en-US",
                     "/api/status", "/auth/config", "/healthz", "/login", "/nothing", "/run/engine.key",
                     "/public/../../run/engine.key", "/public/%2e%2e/%2e%2e/run/engine.key",
                     "/assets/..%2f..%2fpassword", "/avatars/../../../run/engine.key",
                     "/project/file/x?session_id=x"]:  # fmt: skip
            _, headers, body = caller.request("GET", path)
            reported = body.decode(errors="replace") + str(headers).replace(caller.cookie or "\0", "")
            assert not any(secret in reported for secret in secrets), path
            assert "Traceback" not in reported
            assert str(public.files.root) not in reported
    assert not any(secret in public.log() for secret in secrets)


def test_a_strangers_upload_is_refused_before_it_is_read(public: ScriptedProduct) -> None:
    with socket.create_connection(("127.0.0.1", public.port), 30) as wire:
        head = f"POST /project/file?session_id={uuid.uuid4()} HTTP/1.1\r\nHost: 127.0.0.1:{public.port}\r\n"
        wire.sendall(
            f"{head}Content-Length: 50000000\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
        )
        assert b" 401 " in wire.recv(1000).split(b"\r\n")[0]


class SlowUpload:
    """An upload whose last byte waits until the test sets `end`; `taken` once the page has read the rest of it."""

    def __init__(self, visitor: Visitor, end: asyncio.Event, size: int = 5_000_000) -> None:
        self.taken = False
        self._visitor = visitor
        self._end = end
        self._body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        self._body += b"Content-Type: image/png\r\n\r\n" + b"x" * size + b"\r\n--x--\r\n"

    async def send(self) -> bytes:
        """Sends it; the reply's first line."""
        port, cookie = self._visitor.page.port, self._visitor.caller.cookie
        head = f"POST /project/file?session_id={self._visitor.session_id} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        head += f"Cookie: {cookie}\r\nContent-Length: {len(self._body)}\r\nConnection: close\r\n"
        head += "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        # Of what the page does not read, the network holds far less than a file.
        wire = socket.socket()
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        wire.setblocking(False)
        await asyncio.get_running_loop().sock_connect(wire, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=wire)
        writer.transport.set_write_buffer_limits(0)
        with contextlib.closing(writer):
            writer.write(head.encode() + self._body[:-1])
            await writer.drain()
            self.taken = True
            await self._end.wait()
            writer.write(self._body[-1:])
            reply = await reader.read()
        return reply.split(b"\r\n")[0]


async def test_a_flood_of_uploads_is_read_a_few_at_a_time_and_others_are_answered(
    visitor: Visitor, page: ScriptedProduct
) -> None:
    end = asyncio.Event()
    uploads = [SlowUpload(visitor, end) for _ in range(24)]
    flood = [asyncio.create_task(upload.send()) for upload in uploads]
    async with asyncio.timeout(LONG), Visitor(page) as other:
        while sum(upload.taken for upload in uploads) < 4:
            await asyncio.sleep(0.05)
        assert "An answer." in shown(await other.ask("Hello?"))
    assert sum(upload.taken for upload in uploads) == 4
    end.set()
    assert {line.split()[1] for line in await asyncio.gather(*flood)} == {b"200"}


async def test_a_flood_of_connections_that_ask_for_nothing_leaves_the_page_answering(page: ScriptedProduct) -> None:
    limit = psutil.Process(page.pid).rlimit(psutil.RLIMIT_NOFILE)
    # More connections than the page may have files.
    psutil.Process(page.pid).rlimit(psutil.RLIMIT_NOFILE, (300, limit[1]))
    with contextlib.ExitStack() as flood:
        flood.callback(psutil.Process(page.pid).rlimit, psutil.RLIMIT_NOFILE, limit)
        for number in range(400):
            wire = flood.enter_context(socket.create_connection(("127.0.0.1", page.port), 30))
            with contextlib.suppress(ConnectionError):
                wire.sendall((b"", b"GET / HTTP/1.1\r\nHost:")[number % 2])
        async with Visitor(page) as other:
            assert "An answer." in shown(await other.ask("Hello?"))


async def test_a_link_in_the_uploads_is_never_served(visitor: Visitor, page: ScriptedProduct) -> None:
    status, reply = await visitor.upload("a.png", "image/png", bad_files.whole("PNG"))
    assert status == 200
    await visitor.ask("What is it?", [json.loads(reply)["id"]])
    folder = max(page.files.uploads.iterdir(), key=lambda path: path.stat().st_mtime)
    [stored] = folder.iterdir()
    picture = f"/project/thread/{folder.name}/picture/"
    assert visitor.caller.request("GET", picture + stored.name)[0] == 200
    link = folder / ("0" * 64 + ".png")
    link.symlink_to(page.files.engine_key)
    assert visitor.caller.request("GET", picture + link.name)[0] == 404
    link.unlink()
    for name in ("..", "%2e%2e%2f%2e%2e%2frun%2fengine.key", "x.png", stored.name + "%00", "..%5c" + stored.name):
        status, headers, body = visitor.caller.request("GET", picture + name)
        assert status != 200 or "text/html" in headers["Content-Type"], name
        assert page.files.engine_key.read_bytes().strip() not in body


def test_everyone_may_see_whether_it_is_ready_and_nothing_else(page: ScriptedProduct) -> None:
    def asked() -> tuple[int, dict[str, str]]:
        status, _, body = Caller(page).request("GET", "/readyz")
        return status, json.loads(body)

    assert asked() == (200, {"status": "ready"})
    page.status(state="starting", reason=Reason.of_text("loading /a/secret/folder"))
    assert asked() == (503, {"status": "starting"})
    page.status(state="failed", reason=Reason.of_text("a reason"))
    assert asked() == (503, {"status": "failed"})
    assert Caller(page).request("GET", "/healthz")[0] == 200


async def test_feedback_and_buttons_of_another_session_do_nothing(visitor: Visitor, page: ScriptedProduct) -> None:
    await visitor.ask("Hello?")
    for body in ({"action": {"name": "retry", "payload": {"turn": "x"}}, "sessionId": visitor.session_id},
                 {"action": {"name": "no_such", "payload": {}}, "sessionId": visitor.session_id},
                 {"action": {"name": "__class__", "payload": None}, "sessionId": str(uuid.uuid4())}):  # fmt: skip
        asked = len(page.engine.requests)
        path = "/project/action"
        visitor.caller.request("POST", path, json.dumps(body).encode(), Content_Type="application/json")
        await asyncio.sleep(0.2)
        assert len(page.engine.requests) == asked


def test_guessing_the_password_is_stopped_and_the_right_one_waits_too(public: ScriptedProduct) -> None:
    """The last one here: after it no one can sign in for a while."""
    statuses = [log_in(public, f"guess {n}")[0] for n in range(12)]
    assert set(statuses[:10]) == {401}
    assert statuses[10:] == [429, 429]
    assert log_in(public, public.files.password.read_text().strip())[0] == 429
    assert Caller(public).request("GET", "/healthz")[0] == 200
