"""Every route of the page and of Chainlit, with and without a login, with bodies that no page sends: none fails."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from engine.config import ROOT
from tests.browser.access.test_safety import Caller
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor
from tests.trust.test_attacks import log_in

TYPED = "zanzibar"
"""In every body, and must not be in the log."""
BODIES = [
    b"", b"{}", b"[]", b"null", b"\xff\xfe", b"{" * 100_000, b"[" * 100_000, b"[" + b"[]," * 20_000 + b"[]]",
    b'{"session_id":null,"x":"zanzibar"}', b'{"session_id":["zanzibar"]}', b'{"session_id":"zanzibar\\r\\nX-Y: z"}',
    b'{"pagination":{"first":1e400},"filter":{"search":"zanzibar"}}',
    b'{"pagination":{"first":-5,"cursor":"nan/zanzibar"},"filter":{"search":"%","feedback":7}}',
    b'{"pagination":{"first":5,"cursor":"inf/\\u0000"},"filter":{"search":"zanzibar\\u0000b"}}',
    b'{"pagination":{"first":99999999999999999999999999},"filter":{"search":"zanzibar","feedback":99999999999999999999}}',
    b'{"threadId":"\\ud800","name":"zanzibar"}', b'{"threadId":"zanzibar","name":null}',
    b'{"threadId":"zanzibar","name":"zanzibar","isShared":"zanzibar"}',
    b'{"sessionId":"zanzibar","action":{"name":"download","payload":{},"id":"x","forId":"y"}}',
    b'{"sessionId":"zanzibar","action":{"zanzibar":[],"name":{}}}',
    b'{"sessionId":"\\ud800","feedback":{"forId":"zanzibar","value":1}}',
    b'{"sessionId":"zanzibar","feedback":{"forId":"zanzibar","value":99999999999999999999999,"comment":"zanzibar"}}',
    b'{"feedbackId":"\\u0000\\ud800zanzibar"}', b'{"feedbackId":"zanzibar","elementId":"zanzibar"}',
    b'{"element":{"type":"custom","id":"zanzibar"},"sessionId":"zanzibar"}',
]  # fmt: skip
PARTS = ["zanzibar", "%00zanzibar", "%ED%A0%80", "..%2f..%2fzanzibar", "a" * 3000]
FORMS = [b"", b"username=zanzibar", b"username=%00&password=%ED%A0%80", b"code=zanzibar&state=zanzibar&error=%00"]
MULTIPART = [
    b"", b"--x", b"--x\r\n\r\n--x--",
    b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\nzanzibar\r\n--x--\r\n',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="\x00\xff"\r\n\r\nzanzibar\r\n--x--\r\n',
]  # fmt: skip
NOT_ASKED = {"/logout", "/login"}
"""These two end or limit logins, and have their own tests."""
_ROUTES = """
import json, warnings
warnings.simplefilter("ignore")
from app import __main__ as page
from engine.config import load_settings
settings = load_settings()
page._prepare_environment(settings)
from app.server import create_app
def walk(routes):
    for route in routes:
        inner = getattr(getattr(route, "app", None), "routes", None)
        if inner:
            yield from walk(inner)
        for method in sorted(getattr(route, "methods", None) or ()):
            yield method, route.path
print(json.dumps(sorted(set(walk(create_app(settings).routes)))))
"""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that others can reach, with its generated password."""
    with ScriptedProduct(tmp_path_factory.mktemp("odd") / "workspace", KIMI_HOST="0.0.0.0") as product:
        yield product


class Kept(Caller):
    """Sends its requests over one connection, which saves most of the time."""

    def __init__(self, page: ScriptedProduct, cookie: str = "") -> None:
        super().__init__(page)
        self.cookie = cookie
        self._connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)

    def request(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Cookie": self.cookie}
        try:
            self._connection.request(method, path, body, sent)
            reply = self._connection.getresponse()
            return reply.status, reply.headers, reply.read()
        except (http.client.HTTPException, ConnectionError):
            # It was closed between two requests; the next one opens another.
            self._connection.close()
            return super().request(method, path, body, **headers)

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()


def every_route(page: ScriptedProduct) -> list[tuple[str, str]]:
    """Methods and paths, as the application itself lists them."""
    environment = {**os.environ, "KIMI_WORKSPACE": str(page.files.root), "KIMI_HOST": "0.0.0.0"}
    done = subprocess.run(
        [sys.executable, "-c", _ROUTES], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return [(method, path) for method, path in json.loads(done.stdout.splitlines()[-1])]


def bodies_for(method: str) -> Iterator[tuple[str, bytes]]:
    """A content type and a body."""
    if method not in {"POST", "PUT", "DELETE", "PATCH"}:
        yield "", b""
        return
    yield from (("application/json", body) for body in BODIES)
    yield from (("application/x-www-form-urlencoded", form) for form in FORMS)
    yield from (("multipart/form-data; boundary=x", form) for form in MULTIPART)
    yield "", BODIES[-1]


def test_no_route_fails_on_what_no_page_sends_and_the_log_stays_short(public: ScriptedProduct) -> None:
    routes = [(method, path) for method, path in every_route(public) if path not in NOT_ASKED and method != "OPTIONS"]
    assert len(routes) > 60
    assert {path for _, path in routes} >= {"/set-session-cookie", "/api/threads/import", "/project/action"}
    status, person = log_in(public, public.files.password.read_text().strip())
    assert status == 200
    start = len(public.log())
    with closing(Kept(public)) as stranger, closing(Kept(public, person.cookie)) as somebody:
        asked, failed = answers_of(routes, (stranger, somebody))
    assert failed == [], "\n".join(map(str, failed))
    written = public.log()[start:]
    assert "Traceback" not in written
    assert TYPED not in written
    assert len(written) < 60_000, f"{len(written)} characters for {asked} requests\n{written[:5000]}"


def answers_of(routes: list[tuple[str, str]], callers: tuple[Kept, ...]) -> tuple[int, list[Any]]:
    """How many requests were sent, and those that failed."""
    failed: list[Any] = []
    asked = 0
    for method, path in routes:
        paths = [re.sub(r"{[^}]*}", part, path) for part in (PARTS if "{" in path else PARTS[:1])]
        queries = ["", "?session_id=zanzibar%00", "?session_id=zanzibar&language=..%2f&app=%ff:zanzibar&theme=zanzibar"]
        for caller in callers:
            tried = [(paths[0] + query, *body) for query in queries[:1] for body in bodies_for(method)]
            tried += [(other + query, "application/json", b"{}") for other in paths[1:] for query in queries[:1]]
            tried += [(paths[0] + query, "application/json", b"{}") for query in queries[1:]]
            for address, kind, body in tried:
                sent = {"Content_Type": kind} if kind else {}
                code, _, reply = caller.request(method, address, body or None, **sent)
                asked += 1
                # Retry needs a supervisor, which this page does not have.
                if code >= 500 and (code, path) != (503, "/api/retry"):
                    failed.append((bool(caller.cookie), method, address[:80], body[:60], code, reply[:80]))
    return asked, failed


def test_a_stranger_pushes_nothing_out_of_the_log(public: ScriptedProduct) -> None:
    start = len(public.log())
    for _ in range(500):
        status, headers, reply = Caller(public).request("POST", "/set-session-cookie", b"")
        assert status == 422
        assert headers["Content-Type"] == "application/json"
        assert len(json.loads(reply)["detail"]) > 20
    assert len(public.log()) - start < 5_000


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_rejection_is_in_the_persons_language(visitor: Visitor, language: str) -> None:
    sent = {"Content_Type": "application/json", "Accept_Language": language}
    status, _, reply = visitor.caller.request("PUT", "/project/thread", b'{"threadId":"\\ud800","name":"x"}', **sent)
    assert status == 400
    words = json.loads(reply)["detail"]
    assert ("reload the page" in words) == (language == "en")
