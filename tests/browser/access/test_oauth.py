"""Signing in with OAuth: listed people get in, each with their own history, and no one else does."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.access.test_safety import Caller
from tests.instruments.scripted_product import ScriptedProduct

SECRET = "a-secret-of-the-provider"


class Provider(ThreadingHTTPServer):
    """A fake company login: it signs in the person in `email` without asking."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.email = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/authorize":
            self.send_response(302)
            back = urllib.parse.urlencode({"code": "a-code", "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()
        elif url.path == "/userinfo" and self.headers["Authorization"] == "Bearer a-token":
            self._say({"email": self.server.email})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = dict(urllib.parse.parse_qsl(body))
        if self.path == "/token" and (asked["code"], asked["client_secret"]) == ("a-code", SECRET):
            self._say({"access_token": "a-token"})
        else:
            self.send_error(401)

    def _say(self, answer: dict[str, str]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keeps quiet in the tests' output."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        yield provider
        provider.shutdown()


@pytest.fixture(scope="module")
def company(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """The page as a company runs it: its own login, and a list of who may come."""
    with ScriptedProduct(
        tmp_path_factory.mktemp("oauth") / "workspace",
        KIMI_HOST="0.0.0.0",
        KIMI_OAUTH_PEOPLE="anna@example.org, @staff.example.org",
        OAUTH_GENERIC_CLIENT_ID="kimi-vl-chat",
        OAUTH_GENERIC_CLIENT_SECRET=SECRET,
        OAUTH_GENERIC_AUTH_URL=f"{provider.url}/authorize",
        OAUTH_GENERIC_TOKEN_URL=f"{provider.url}/token",
        OAUTH_GENERIC_USER_INFO_URL=f"{provider.url}/userinfo",
        OAUTH_GENERIC_SCOPES="openid email",
    ) as product:
        yield product


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(locale="en-US")
    yield context
    context.close()


def sign_in(page: Page, product: ScriptedProduct) -> None:
    page.goto(product.url)
    page.get_by_role("button", name="generic").click()


@pytest.mark.parametrize("email", ["Anna@example.org", "bert@staff.example.org"])
def test_a_listed_person_gets_in(
    context: BrowserContext, company: ScriptedProduct, provider: Provider, email: str
) -> None:
    provider.email = email
    page = context.new_page()
    sign_in(page, company)
    page.locator("#chat-input").fill("Hello")
    page.locator("#chat-submit").click()
    expect(page.locator('[data-step-type="assistant_message"]').last).to_contain_text("An answer.")
    # Their own history: the other person's chat is not in it.
    expect(page.get_by_role("link", name="Hello")).to_have_count(1)


@pytest.mark.parametrize("email", ["mallory@example.org", "anna@example.org.evil.test", "x@sub.staff.example.org", ""])
def test_no_one_else_does(context: BrowserContext, company: ScriptedProduct, provider: Provider, email: str) -> None:
    provider.email = email
    page = context.new_page()
    sign_in(page, company)
    page.wait_for_url("**/login?error=*")
    expect(page.get_by_role("button", name="generic")).to_be_visible()
    assert context.request.get(f"{company.url}/user").status == 401
    assert SECRET not in company.log()


def test_a_login_ends_when_todays_rules_no_longer_allow_it(
    context: BrowserContext, company: ScriptedProduct, provider: Provider
) -> None:
    provider.email = "anna@example.org"
    came = context.request.get(f"{company.url}/auth/oauth/generic")
    assert came.ok
    [cookie] = [cookie for cookie in context.cookies() if cookie["name"] == "access_token"]
    bearer = {"Authorization": f"Bearer {cookie['value']}"}
    allowed = {"KIMI_OAUTH_PEOPLE": "bert@example.org, Anna@example.org"}
    removed = {"KIMI_OAUTH_PEOPLE": "bert@example.org"}
    off = {"OAUTH_GENERIC_CLIENT_ID": "", "OAUTH_GENERIC_CLIENT_SECRET": ""}
    another_way = {"KIMI_AUTH_HEADER": "X-Forwarded-User"}
    for environment, status in [({}, 200), (allowed, 200), (removed, 401), (off, 401), (another_way, 401), ({}, 200)]:
        company.stop()
        company.start(**environment)
        assert context.request.get(f"{company.url}/user").status == status, environment
        # The token alone, as a program would send it, and renewed: each of its own, without the browser's cookie.
        asked = [("GET", "/user"), ("POST", "/auth/jwt"), ("GET", "/api/status")]
        got = {Caller(company).request(method, path, **bearer)[0] for method, path in asked}
        assert got == {status}, environment
