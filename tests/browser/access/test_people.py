"""Several people on one page: each sees only their own chats, and a removed person is signed out at once."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from engine.access.passwords import People
from tests.browser.access.test_safety import Caller
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_product import ScriptedProduct

MakePicture = Callable[[str, bytes], Path]
PASSWORDS = {"anna": "anna's password", "bert": "bert's password"}


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that others reach, with two people."""
    with ScriptedProduct(tmp_path_factory.mktemp("people") / "workspace", KIMI_HOST="0.0.0.0") as product:
        people = People(product.files.people)
        for name, password in PASSWORDS.items():
            people.add(name, password)
        yield product


def log_in(page: Page, name: str, password: str) -> None:
    page.locator("input:not([type=password])").first.fill(name)
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()


def signed_in(product: ScriptedProduct, name: str, password: str) -> tuple[int, Caller]:
    """Posts the login form, as a program would."""
    caller = Caller(product)
    form = urlencode({"username": name, "password": password}).encode()
    status, headers, _ = caller.request("POST", "/login", form, Content_Type="application/x-www-form-urlencoded")
    caller.cookie = (headers["Set-Cookie"] or "").split(";")[0]
    return status, caller


def ask(caller: Caller, method: str, path: str, **body: object) -> tuple[int, str]:
    status, _, reply = caller.request(method, path, json.dumps(body).encode(), Content_Type="application/json")
    return status, reply.decode()


@pytest.fixture
def annas(browser: Browser, public: ScriptedProduct, picture: MakePicture) -> Iterator[tuple[ChatPage, str]]:
    """Anna at the page, with a chat that has a picture; and its id."""
    public.reset()
    chat = ChatPage(browser, public.url)
    chat.page.goto(public.url)
    log_in(chat.page, "Anna", PASSWORDS["anna"])
    expect(chat.settings_button).to_be_visible()
    chat.ask("anna's secret", [picture("a.png", png(shop_sign("SECRET", "shop")))])
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    expect(chat.page).to_have_url(re.compile("/thread/"))
    yield chat, urlsplit(chat.page.url).path.rsplit("/", 1)[1]
    chat.close()


def test_one_person_cannot_reach_anything_of_another_person(
    annas: tuple[ChatPage, str], public: ScriptedProduct
) -> None:
    chat, thread = annas
    [stored] = (public.files.uploads / thread).iterdir()
    picture = f"/project/thread/{thread}/picture/{stored.name}"
    uploaded = chat.questions.locator("img").first.get_attribute("src") or ""
    [session_id] = parse_qs(urlsplit(uploaded).query)["session_id"]
    _, anna = signed_in(public, "anna", PASSWORDS["anna"])
    _, bert = signed_in(public, "bert", PASSWORDS["bert"])
    stranger = Caller(public)
    everything = {"pagination": {"first": 100}, "filter": {"userId": "anna", "search": "secret"}}

    assert thread in ask(anna, "POST", "/project/threads", **everything)[1]
    assert anna.request("GET", picture)[0] == 200
    assert anna.request("GET", picture)[2].startswith(b"\x89PNG")

    for other in (bert, stranger):
        assert thread not in ask(other, "POST", "/project/threads", **everything)[1]
        for method, path, body in [
            ("GET", f"/project/thread/{thread}", {}),
            ("GET", picture, {}),
            ("GET", urlsplit(uploaded)._replace(scheme="", netloc="").geturl(), {}),
            ("GET", f"/project/thread/{thread}/element/{uuid.uuid4()}", {}),
            ("GET", f"/project/share/{thread}", {}),
            ("PUT", "/project/thread/share", {"threadId": thread, "isShared": True}),
            ("PUT", "/project/thread", {"threadId": thread, "name": "mine now"}),
            ("DELETE", "/project/thread", {"threadId": thread}),
            ("PUT", "/feedback", {"feedback": {"forId": "x", "value": 0}, "sessionId": session_id}),
            ("DELETE", "/feedback", {"feedbackId": str(uuid.uuid4())}),
            ("POST", "/project/action", {"action": {"name": "retry", "payload": {}}, "sessionId": session_id}),
        ]:
            status, reply = ask(other, method, path, **body)
            assert status in {401, 404}, (method, path, status, reply)
            assert "secret" not in reply
        # No one else may learn whether such a thread exists: see tests/trust/test_taking.py.
        answers = {other.connect(str(uuid.uuid4()), threadId=named)[:2] for named in (thread, str(uuid.uuid4()))}
        assert answers == {"40" if other is bert else "44"}
        assert other.connect(session_id).startswith("44")
        assert other.upload(session_id, "a.png", "image/png", b"x")[0] == 401
    assert "anna's secret" in ask(anna, "POST", "/project/threads", **everything)[1]


def test_no_one_can_make_a_thread_public(annas: tuple[ChatPage, str], public: ScriptedProduct) -> None:
    _, thread = annas
    _, anna = signed_in(public, "anna", PASSWORDS["anna"])
    assert ask(anna, "PUT", "/project/thread/share", threadId=thread, isShared=True)[0] == 404
    assert Caller(public).request("GET", f"/project/share/{thread}")[0] == 404


def test_a_persons_name_is_theirs_alone(public: ScriptedProduct) -> None:
    shared = public.files.password.read_text().strip() if public.files.password.exists() else ""
    assert shared
    assert signed_in(public, "anna", shared)[0] == 401
    assert signed_in(public, "anna", PASSWORDS["bert"])[0] == 401
    # Since there are people, the shared password lets no one in, under any name.
    assert signed_in(public, "visitor", shared)[0] == 401
    _, anna = signed_in(public, "ANNA", PASSWORDS["anna"])
    assert json.loads(anna.request("GET", "/user")[2])["identifier"] == "anna"


def test_a_removed_person_or_one_with_a_new_password_is_signed_out_at_once(
    annas: tuple[ChatPage, str], public: ScriptedProduct
) -> None:
    chat, thread = annas
    people = People(public.files.people)
    _, anna = signed_in(public, "anna", PASSWORDS["anna"])
    assert anna.request("GET", "/user")[0] == 200
    people.set_password("anna", "a new password")
    assert anna.request("GET", "/user")[0] == 401
    assert anna.connect(str(uuid.uuid4()), threadId=thread).startswith("44")
    expect(chat.page.get_by_role("button", name="Sign in")).to_be_visible()
    _, anna = signed_in(public, "anna", "a new password")
    assert anna.request("GET", f"/project/thread/{thread}")[0] == 200
    people.remove("anna")
    assert anna.request("GET", f"/project/thread/{thread}")[0] == 401
    people.add("anna", PASSWORDS["anna"])


def test_a_proxy_in_front_names_its_people(tmp_path: Path) -> None:
    with ScriptedProduct(tmp_path / "workspace", KIMI_AUTH_HEADER="X-Forwarded-User") as product:
        caller = Caller(product)
        assert caller.request("GET", "/user")[0] == 401
        assert caller.request("POST", "/auth/header")[0] == 401
        status, headers, _ = caller.request("POST", "/auth/header", X_Forwarded_User="anna@example.org")
        assert status == 200
        caller.cookie = headers["Set-Cookie"].split(";")[0]
        status, _, body = caller.request("GET", "/user", X_Forwarded_User="anna@example.org")
        assert (status, json.loads(body)["identifier"]) == (200, "header:anna@example.org")
        assert caller.request("GET", "/user", X_Forwarded_User="bert@example.org")[0] == 401
        assert caller.request("GET", "/user")[0] == 401


def test_the_page_shows_a_person_what_they_may_open_and_signs_them_out_everywhere(
    browser: Browser, public: ScriptedProduct, annas: tuple[ChatPage, str]
) -> None:
    People(public.files.people).add("admin", "an admin's password", admin=True)
    People(public.files.people).set_password("bert", PASSWORDS["bert"])
    chats = [ChatPage(browser, public.url) for _ in range(3)]
    for chat, name, password in zip(
        chats, ("admin", "bert", "bert"), ("an admin's password", *[PASSWORDS["bert"]] * 2), strict=True
    ):
        chat.page.goto(public.url)
        log_in(chat.page, name, password)
        expect(chat.settings_button).to_be_visible()
    admin, bert, berts_other = (chat.page for chat in chats)
    expect(admin.get_by_role("link", name=re.compile("Status"))).to_be_visible()
    expect(bert.get_by_role("link", name=re.compile("Status"))).to_have_count(0)
    bert.goto(f"{public.url}/status")
    expect(bert.get_by_text("Only an admin may see this")).to_be_visible()
    expect(bert.locator("[data-card=engine]")).to_be_hidden()
    # A chat of another person is a sentence, and a page that answers.
    bert.goto(f"{public.url}/thread/{annas[1]}")
    expect(bert.get_by_text("This chat could not be opened: it has been deleted, or is not yours.")).to_be_visible()
    expect(bert).to_have_url(f"{public.url}/")
    expect(chats[1].settings_button).to_be_visible()
    chats[1].ask("Does it work?")
    expect(chats[1].answers.last).to_contain_text("An answer.")
    chats[1].finished()
    berts = bert.url
    bert.locator("#user-nav-button").click()
    bert.get_by_role("menuitem", name="Sign out everywhere").click()
    for page in (bert, berts_other):
        expect(page.locator("input[type=password]")).to_be_visible()
    # Who opens the address of a chat first signs in, and then is there.
    bert.goto(berts)
    log_in(bert, "bert", PASSWORDS["bert"])
    expect(bert).to_have_url(berts)
    expect(chats[1].questions).to_have_text(["Does it work?"])
    expect(admin.locator("#chat-input")).to_be_visible()
    for chat in chats:
        chat.close()
