"""Logins end on the server and at once; who may see what; and guessing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from engine.access.passwords import People
from engine.config import ROOT
from engine.status import Reason
from tests.browser.access.test_safety import Caller
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import LONG, Visitor

PASSWORDS = {name: f"a password of {name}" for name in ("anna", "bert", "carl", "dora")}


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that others can reach, with four people; Anna is an admin."""
    with ScriptedProduct(tmp_path_factory.mktemp("logins") / "workspace", KIMI_HOST="0.0.0.0") as product:
        for name, password in PASSWORDS.items():
            People(product.files.people).add(name, password, admin=name == "anna")
        yield product


def post_login(caller: Caller, name: str, password: str, **headers: str) -> int:
    """Posts the form; the caller keeps the cookies as a browser would."""
    form = urlencode({"username": name, "password": password}).encode()
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    status, got, _ = caller.request("POST", "/login", form, **kind, **headers)
    kept = dict(pair.split("=", 1) for pair in caller.cookie.split("; ") if pair)
    kept |= dict(cookie.split(";")[0].split("=", 1) for cookie in got.get_all("Set-Cookie") or [])
    caller.cookie = "; ".join("=".join(pair) for pair in kept.items())
    return status


class PersonsCaller(Caller):
    """A caller that signs in by name and password."""

    def __init__(self, product: ScriptedProduct, name: str) -> None:
        super().__init__(product)
        self.name = name

    def sign_in(self) -> Caller:
        assert post_login(self, self.name, PASSWORDS[self.name]) == 200
        return self

    @property
    def token(self) -> str:
        """The login as it is in the cookie."""
        return next(part.split("=", 1)[1] for part in self.cookie.split("; ") if part.startswith("access_token="))


def person(product: ScriptedProduct, name: str) -> Visitor:
    """A signed-in client with a socket, inside the `with` block."""
    visitor = Visitor(product)
    visitor.caller = PersonsCaller(product, name)
    return visitor


def statuses(product: ScriptedProduct, token: str) -> set[int]:
    """The replies to a login, for each route and way to send it."""
    cookie, stranger = Caller(product), Caller(product)
    cookie.cookie = f"access_token={token}"
    bearer = {"Authorization": f"Bearer {token}"}
    return {
        cookie.request("GET", "/user")[0],
        cookie.request("GET", "/api/status")[0],
        stranger.request("GET", "/user", **bearer)[0],
        stranger.request("GET", "/api/status", **bearer)[0],
        stranger.request("POST", "/auth/jwt", **bearer)[0],
    }


async def gone(visitor: Visitor) -> None:
    """Waits until the page has ended a socket."""
    async with asyncio.timeout(LONG):
        while visitor.connected:
            await asyncio.sleep(0.05)


def test_logging_out_ends_that_login_on_the_server_and_after_a_restart(public: ScriptedProduct) -> None:
    first, second = PersonsCaller(public, "anna"), PersonsCaller(public, "anna")
    for caller in (first, second):
        caller.sign_in()
    assert statuses(public, first.token) == statuses(public, second.token) == {200}
    assert first.request("POST", "/logout")[0] == 200
    assert statuses(public, first.token) == {401}
    assert statuses(public, second.token) == {200}
    public.stop()
    public.start()
    assert statuses(public, first.token) == {401}
    assert statuses(public, second.token) == {200}


async def test_signing_out_everywhere_ends_all_logins_sockets_and_running_answers(public: ScriptedProduct) -> None:
    public.reset()
    public.engine.script = Script(answer=["word "] * 2000, rate=20)
    async with person(public, "anna") as one, person(public, "anna") as other, person(public, "bert") as bert:
        await other.start("Tell me a long story.")
        await asyncio.to_thread(public.wait, lambda engine: engine.sent > 0, LONG)
        assert (await asyncio.to_thread(one.caller.request, "POST", "/api/sign-out-everywhere"))[0] == 200
        await asyncio.gather(gone(one), gone(other))
        await asyncio.to_thread(public.wait, lambda engine: engine.cancelled == 1, LONG)
        for visitor in (one, other):
            assert isinstance(visitor.caller, PersonsCaller)
            assert await asyncio.to_thread(statuses, public, visitor.caller.token) == {401}
        assert bert.connected
        assert (await asyncio.to_thread(bert.caller.request, "GET", "/user"))[0] == 200
    # It is no ban.
    assert PersonsCaller(public, "anna").sign_in().request("GET", "/user")[0] == 200


async def test_a_session_resumed_with_another_login_ends_with_that_one(public: ScriptedProduct) -> None:
    async with person(public, "anna") as first:
        second = person(public, "anna")
        second.session_id = first.session_id
        async with second:
            assert (await asyncio.to_thread(second.caller.request, "POST", "/logout"))[0] == 200
            await gone(second)


async def test_an_event_called_connect_brings_no_other_login_onto_a_socket(public: ScriptedProduct) -> None:
    async with person(public, "anna") as anna, person(public, "bert") as bert:
        # The page would look at bert's login from then on, so that anna's lived on after she had signed out.
        hello = {"sessionId": str(uuid.uuid4()), "clientType": "webapp", "userEnv": "{}"}
        await bert.send("connect", ({"HTTP_COOKIE": anna.caller.cookie}, hello))
        await gone(bert)
        assert anna.connected


async def test_the_command_signs_out_everywhere_while_the_page_runs(public: ScriptedProduct) -> None:
    async with person(public, "anna") as anna, person(public, "bert") as bert:
        environment = {"KIMI_WORKSPACE": str(public.files.root), "PATH": "/usr/bin:/bin"}
        words = [sys.executable, "-m", "engine", "user", "sign-out", "Anna"]
        await asyncio.to_thread(subprocess.run, words, cwd=ROOT, env=environment, check=True)
        await gone(anna)
        assert (await asyncio.to_thread(anna.caller.request, "GET", "/user"))[0] == 401
        assert bert.connected


@pytest.mark.parametrize("path", ["/logout", "/api/sign-out-everywhere"])
def test_signing_out_makes_the_browser_forget_its_pictures(public: ScriptedProduct, path: str) -> None:
    caller = PersonsCaller(public, "dora")
    caller.sign_in()
    status, headers, _ = caller.request("POST", path)
    assert (status, headers["Clear-Site-Data"]) == (200, '"cache"')


def test_a_stranger_signs_no_one_out(public: ScriptedProduct) -> None:
    anna, stranger = PersonsCaller(public, "anna"), Caller(public)
    anna.sign_in()
    assert stranger.request("POST", "/api/sign-out-everywhere")[0] == 401
    assert stranger.request("POST", "/logout")[0] == 200
    assert anna.request("POST", "/api/sign-out-everywhere", Origin="https://evil.example")[0] == 403
    assert anna.request("GET", "/user")[0] == 200


def test_only_admins_see_the_status_the_logs_and_the_figures(public: ScriptedProduct) -> None:
    anna, bert, carl = (PersonsCaller(public, name).sign_in() for name in ("anna", "bert", "carl"))
    key = {"Authorization": f"Bearer {public.files.watch_key.read_text().strip()}"}
    for path in ("/api/overview", "/api/logs", "/metrics"):
        assert anna.request("GET", path)[0] == 200, path
        assert Caller(public).request("GET", path, **key)[0] == 200, path
        for other in (bert, carl):
            status, _, body = other.request("GET", path, Accept_Language="en")
            assert (status, "Only an admin" in body.decode()) == (403, True), path
        assert "管理员" in bert.request("GET", path, Accept_Language="zh-CN")[2].decode()
    for caller, watches in ((anna, True), (bert, False), (carl, False)):
        # Everyone may see what the banner shows.
        assert caller.request("GET", "/api/status")[0] == 200
        may = {"watches": watches, "signsOut": True, "hasPassword": True}
        assert json.loads(caller.request("GET", "/user")[2])["metadata"] == may
    # Only they see commands, and why the engine failed.
    public.status(state="failed", reason=Reason.of_text("no weights"))
    for caller, command, reason in ((anna, "./start.sh", "no weights"), (bert, "ask the person", "tell the person")):
        assert command in caller.request("POST", "/api/retry", Accept_Language="en")[2].decode()
        assert reason in json.loads(caller.request("GET", "/api/status")[2])["engine"]["phase"]
    public.status(state="ready")
    # And they alone say whether gigabytes are fetched.
    said, kind = json.dumps({"answer": "no"}).encode(), "application/json"
    for other in (bert, carl):
        assert other.request("POST", "/api/download", said, Content_Type=kind)[0] == 403
    assert Caller(public).request("POST", "/api/download", said, Content_Type=kind, **key)[0] == 401
    assert not public.files.download.exists()
    assert anna.request("POST", "/api/download", b'{"answer": "maybe"}', Content_Type=kind)[0] == 422
    assert anna.request("POST", "/api/download", said, Content_Type=kind)[0] == 202
    assert public.files.download.read_text() == "no\n"
    people = People(public.files.people)
    people.set_admin("bert", admin=True)
    assert bert.request("GET", "/api/logs")[0] == 200
    people.set_admin("bert", admin=False)
    assert bert.request("GET", "/api/logs")[0] == 403


def test_a_replaced_shared_password_lets_no_one_in_and_ends_its_logins(public: ScriptedProduct) -> None:
    old = public.files.password.read_text().strip()
    guest, people = Caller(public), People(public.files.people)
    # It lets no one in while there are people.
    assert post_login(guest, "somebody", old) == 401
    assert json.loads(guest.request("GET", "/api/sign-in")[2]) == {"names": True}
    for name in PASSWORDS:
        people.remove(name)
    assert json.loads(guest.request("GET", "/api/sign-in")[2]) == {"names": False}
    assert post_login(guest, "somebody", old) == 200
    assert json.loads(guest.request("GET", "/user")[2])["display_name"] == "Shared account"
    public.files.password.write_text("another-password\n")
    assert guest.request("GET", "/user")[0] == 401
    assert post_login(Caller(public), "somebody", old) == 401
    assert post_login(guest, "somebody", "another-password") == 200
    for name, password in PASSWORDS.items():
        people.add(name, password, admin=name == "anna")
    assert guest.request("GET", "/user")[0] == 401


def test_a_person_changes_their_own_password_and_other_browsers_are_signed_out(public: ScriptedProduct) -> None:
    here, there = (PersonsCaller(public, "bert").sign_in() for _ in range(2))

    def change(caller: Caller, old: str, new: str) -> tuple[int, str]:
        body = json.dumps({"old": old, "new": new}).encode()
        status, got, reply = caller.request("POST", "/api/password", body, Content_Type="application/json")
        for cookie in got.get_all("Set-Cookie") or []:
            kept = dict(pair.split("=", 1) for pair in caller.cookie.split("; "))
            name, value = cookie.split(";")[0].split("=", 1)
            caller.cookie = "; ".join("=".join(pair) for pair in (kept | {name: value}).items())
        return status, json.loads(reply).get("detail", "")

    assert change(Caller(public), "x", "a long new one")[0] == 401
    assert change(here, "wrong", "a long new one") == (403, "The present password is wrong: nothing was changed.")
    assert change(here, PASSWORDS["bert"], "short")[0] == 400
    assert change(here, PASSWORDS["bert"], "a long new one") == (200, "")
    assert here.request("GET", "/user")[0] == 200
    assert there.request("GET", "/user")[0] == 401
    assert post_login(there, "bert", PASSWORDS["bert"]) == 401
    assert change(here, "a long new one", PASSWORDS["bert"])[0] == 200
    # Guessing in a browser that was left signed in gets no further than at the door.
    tries = [change(here, f"wrong {n}", "a long new one")[0] for n in range(12)]
    assert tries == [403] * 10 + [429] * 2


def test_no_header_helps_guessing_and_guessing_locks_out_no_one_else(public: ScriptedProduct) -> None:
    known = PersonsCaller(public, "carl")
    known.sign_in()
    tried = [
        post_login(Caller(public), "carl", f"wrong {n}", X_Forwarded_For=f"10.1.{n}.7", Forwarded=f"for=10.1.{n}.7")
        for n in range(14)
    ]
    assert tried == [401] * 10 + [429] * 4
    # The right password has to wait too, or it would show; but not in a browser that carl has signed in with before.
    status, headers, body = Caller(public).request(
        "POST",
        "/login",
        urlencode({"username": "carl", "password": PASSWORDS["carl"]}).encode(),
        Content_Type="application/x-www-form-urlencoded",
    )
    assert (status, "1 min" in json.loads(body)["detail"]) == (429, True)
    assert 0 < int(headers["Retry-After"]) <= 60
    assert post_login(known, "carl", PASSWORDS["carl"]) == 200
    for n in range(25):
        post_login(Caller(public), f"nobody{n}", f"wrong {n}")
    # Another person at the same address.
    assert post_login(Caller(public), "dora", PASSWORDS["dora"]) == 200
