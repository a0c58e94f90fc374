"""Whether an older login is still valid, also after changes of the clock."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chainlit.auth
import jwt
import pytest
from chainlit.auth.jwt import create_jwt, decode_jwt, get_jwt_secret
from chainlit.user import User
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from app.access.logins import login_in
from app.access.rules import Rules
from app.access.still_allowed import StillWelcome, Welcome, forgive_a_clock_set_back, header_identity
from engine.access.ended_logins import LONGEST_LOGIN_SECONDS, EndedLogins
from engine.access.passwords import People
from engine.access.private_json import DamagedFileError
from engine.config import Settings
from tests.instruments.quick_hashes import QUICK

DAY = 86400


def login(made: float = 0.0, secret: str | None = None, identity: str = "local", **metadata: Any) -> str:
    """A cookie as Chainlit makes it, by a clock that is `made` seconds ahead."""
    now = int(time.time() + made)
    claims = {"identifier": identity, "metadata": metadata, "iat": now, "exp": now + 15 * DAY}
    return jwt.encode(claims, secret or get_jwt_secret(), algorithm="HS256")


class Page:
    """The page's memory of logins, with these settings."""

    def __init__(self, workspace: Path, **settings: Any) -> None:
        forgive_a_clock_set_back()
        made = Settings(_env_file=None, workspace=workspace, **settings)
        made.files.create()
        self.people, self.ended = People(made.files.people, QUICK), EndedLogins(made.files.logins)
        self.rules = Rules(made, self.people, self.ended, lambda: ("github",))
        self.welcome = Welcome(self.rules, self.ended, made.auth_header, lambda session: None)


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(tmp_path)


@pytest.fixture
def welcome(page: Page) -> Welcome:
    return page.welcome


def test_a_clock_that_jumps_ahead_ends_what_comes_and_not_what_is_open(welcome: Welcome) -> None:
    token = login(-366 * DAY)
    assert not welcome.still(token, Headers())
    assert welcome.still(token)


def test_a_login_made_by_a_clock_that_was_set_back_since_counts(welcome: Welcome) -> None:
    token = login(366 * DAY)
    assert welcome.still(token, Headers())
    assert welcome.still(token)
    assert decode_jwt(token).identifier == "local"


async def test_the_logins_of_thousands_of_windows_are_read_once_each_while_others_are_served(
    welcome: Welcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [login(number=number) for number in range(3000)]
    windows = {str(number): SimpleNamespace(socket_id=number) for number in range(3000)}
    environs = [{"HTTP_COOKIE": f"access_token={token}"} for token in tokens]
    monkeypatch.setattr("app.access.still_allowed.ws_sessions_id", windows)
    monkeypatch.setattr("app.access.still_allowed.sio", SimpleNamespace(get_environ=environs.__getitem__))
    read: list[str] = []
    decode = jwt.decode

    def counted(token: str, *args: Any, **options: Any) -> Any:
        read.append(token)
        return decode(token, *args, **options)

    monkeypatch.setattr(jwt, "decode", counted)
    served = 0

    async def others() -> None:
        nonlocal served
        while True:
            served += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    for _ in range(2):
        await welcome.sweep()
    task.cancel()
    assert len(read) == len(set(read)) == 3000
    assert served > 20


def test_foreign_and_malformed_tokens_are_invalid(welcome: Welcome) -> None:
    forged = login(0, "another secret, which is long enough for HMAC")
    assert not welcome.still(forged)
    assert not welcome.still(forged, Headers())
    assert not welcome.still("no token")
    assert not welcome.still("x" * 1_000_000)
    assert not welcome.still(jwt.encode({"exp": time.time() + DAY}, get_jwt_secret(), algorithm="HS256"), Headers())
    for wrong in ({"kind": "king"}, {"kind": "local", "more": 1}, {}, 7):
        assert not welcome.still(login(login=wrong))


@pytest.mark.parametrize(
    ("identity", "settings", "in_now"),
    [
        ("local", {}, True),
        ("local", {"host": "0.0.0.0"}, False),
        ("header:anna", {"auth_header": "X-User"}, True),
        ("header:anna", {"host": "0.0.0.0"}, False),
        ("github:anna", {"host": "0.0.0.0", "oauth_people": "anna"}, True),
        ("github:anna", {"host": "0.0.0.0", "oauth_people": "bert"}, False),
        ("github:anna", {"host": "0.0.0.0"}, False),
        ("google:anna", {"host": "0.0.0.0", "oauth_people": "anna"}, False),
        ("anna", {"host": "0.0.0.0", "oauth_people": "*"}, False),
        # It does not say which password it was made with.
        ("shared", {"host": "0.0.0.0"}, False),
    ],
)
def test_a_login_without_a_kind_is_invalid_unless_todays_rules_allow_it(
    tmp_path: Path, identity: str, settings: dict[str, Any], in_now: bool
) -> None:
    page = Page(tmp_path, **settings)
    token = login(identity=identity)
    headers = Headers({"x-user": "anna"})
    assert page.welcome.still(token, headers) is in_now
    assert page.welcome.still(token) is in_now


async def test_an_older_login_of_a_person_counts_until_it_is_signed_out(tmp_path: Path) -> None:
    page = Page(tmp_path, host="0.0.0.0")
    page.people.add("anna", "a password of hers")
    token, other = (login(made, identity="anna", mark=page.people.mark("anna")) for made in (0, -60))
    assert page.welcome.still(token, Headers())
    assert await page.welcome.sign_out(token, everywhere=False)
    assert not page.welcome.still(token, Headers())
    assert page.welcome.still(other, Headers())
    assert await page.welcome.sign_out(other, everywhere=True)
    assert not page.welcome.still(other, Headers())


def test_a_header_login_is_that_of_the_person_whom_the_proxy_names(tmp_path: Path) -> None:
    page = Page(tmp_path, auth_header="X-User")
    token = create_jwt(User("header:anna", metadata=page.rules.begin("header:anna", "header").metadata()))
    assert page.welcome.still(token, Headers({"x-user": " anna "}))
    assert not page.welcome.still(token, Headers({"x-user": "bert"}))
    assert not page.welcome.still(token, Headers())


@pytest.mark.parametrize(("one", "other"), [("王铠", "王铅"), ("annà", "annÅ"), ("anna", "anna\u00a0")])
def test_two_names_that_a_proxy_sends_are_two_people(tmp_path: Path, one: str, other: str) -> None:
    page = Page(tmp_path, auth_header="X-User")
    # As they come: UTF-8, of which each byte is read as a letter.
    first, second = (Headers(raw=[(b"x-user", name.encode())]) for name in (one, other))
    assert header_identity(first["x-user"]) != header_identity(second["x-user"])
    begun = page.rules.begin(header_identity(first["x-user"]), "header")
    token = create_jwt(User(begun.identity, metadata=begun.metadata()))
    assert page.welcome.still(token, first)
    assert not page.welcome.still(token, second)


def test_renewing_a_token_does_not_make_a_login_longer_than_a_month(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = page.rules.begin("local", "local")
    token = create_jwt(User("local", metadata=begun.metadata()))
    now = time.time()
    for days, counts in [(10, True), (20, True), (29, True), (31, False)]:
        # As `/auth/jwt` does it.
        renewed = create_jwt(decode_jwt(token))
        renewed_login = login_in(renewed)
        assert renewed_login == begun
        monkeypatch.setattr("app.access.still_allowed.time.time", lambda days=days: now + days * DAY)
        assert page.welcome.still(renewed, Headers()) is counts
        monkeypatch.undo()
    assert LONGEST_LOGIN_SECONDS == 30 * DAY


async def test_chainlit_itself_refuses_a_login_that_is_out(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (chainlit.auth, chainlit.server):
        monkeypatch.setattr(module, "decode_jwt", decode_jwt)
    page.welcome.guard_chainlit()
    token = create_jwt(User("local", metadata=page.rules.begin("local", "local").metadata()))
    assert chainlit.auth.decode_jwt(token).identifier == "local"
    await page.welcome.sign_out(token, everywhere=False)
    for module in (chainlit.auth, chainlit.server):
        with pytest.raises(jwt.InvalidTokenError):
            module.decode_jwt(token)


async def test_an_ended_login_is_removed_from_its_request_wherever_it_occurs(page: Page) -> None:
    arrived: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        arrived.append([name for name, _ in scope["headers"]])

    token = login()
    app = StillWelcome(inner, page.welcome)
    bearer, key = (b"authorization", f"Bearer {token}".encode()), (b"authorization", b"Bearer kimi-key")
    cookie = (b"cookie", f"access_token={token}".encode())
    halves = (b"cookie", f"access_token_0={token[:100]}; access_token_1={token[100:]}".encode())
    for header in (bearer, cookie, halves, key):
        await app({"type": "http", "headers": [header]}, None, None)  # type: ignore[arg-type]
    await page.welcome.sign_out(token, everywhere=False)
    for header in (bearer, cookie, halves, key):
        await app({"type": "http", "headers": [header]}, None, None)  # type: ignore[arg-type]
    assert arrived == [[b"authorization"], [b"cookie"], [b"cookie"], [b"authorization"], [], [], [], [b"authorization"]]


async def test_an_unreadable_list_does_not_stop_the_check_for_ended_logins(
    page: Page, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("app.access.still_allowed._LOOK_SECONDS", 0.01)
    looked = asyncio.Event()
    outcomes = iter([DamagedFileError("people.json is damaged"), OSError(24, "Too many open files")])

    async def sweep() -> None:
        if trouble := next(outcomes, None):
            raise trouble
        looked.set()

    monkeypatch.setattr(page.welcome, "sweep", sweep)
    looking = asyncio.create_task(page.welcome.keep_out())
    async with asyncio.timeout(30):
        await looked.wait()
    looking.cancel()
    assert "people.json is damaged" in caplog.text


async def test_a_body_and_a_file_end_with_the_login_that_brought_them(tmp_path: Path) -> None:
    page = Page(tmp_path, host="0.0.0.0")
    page.people.add("anna", "a password of hers")
    token = login(identity="anna", mark=page.people.mark("anna"))
    came: list[Any] = []
    sent: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        came.append(await receive())
        await send({"type": "http.response.body", "body": b"a piece", "more_body": True})
        page.people.remove("anna")
        came.append(await receive())
        with pytest.raises(ClientDisconnect):
            await send({"type": "http.response.body", "body": b"another", "more_body": True})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"a piece", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "headers": [(b"cookie", f"access_token={token}".encode())]}
    await StillWelcome(inner, page.welcome)(scope, receive, send)
    assert [message["type"] for message in came] == ["http.request", "http.disconnect"]
    assert [message["body"] for message in sent] == [b"a piece"]


async def test_a_body_that_has_lost_its_login_is_refused(tmp_path: Path) -> None:
    page = Page(tmp_path, host="0.0.0.0")
    page.people.add("anna", "a password of hers")
    token = login(identity="anna", mark=page.people.mark("anna"))
    sent: list[Any] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        page.people.remove("anna")
        assert (await receive())["type"] == "http.disconnect"

    async def receive() -> Any:
        return {"type": "http.request", "body": b"a piece", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    cookie = (b"cookie", f"access_token={token}".encode())
    scope = {"type": "http", "path": "/api/threads/import", "headers": [cookie]}
    await StillWelcome(inner, page.welcome)(scope, receive, send)
    assert sent[0]["status"] == 401
