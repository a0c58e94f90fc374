"""The status page in the browser, who may see it, and what the logs contain after a picture and a login."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from engine.status import Reason
from engine.supervise import timeline
from engine.system.logs import RotatingLog
from tests.browser.access.test_login import log_in
from tests.browser.conftest import OpenPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

PASSWORD = "a-password-of-the-tests"
WORDS = "words-of-a-person"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that others can reach, with a password, its log as JSON and every span in it."""
    workspace = tmp_path_factory.mktemp("guarded") / "workspace"
    settings = {"KIMI_HOST": "0.0.0.0", "KIMI_PASSWORD": PASSWORD, "KIMI_LOG_JSON": "1", "KIMI_TRACE": "console"}
    with ScriptedProduct(workspace, **settings) as product:
        yield product


def get(url: str, key: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def card(page: Page, name: str) -> str:
    return page.locator(f"[data-card={name}]").inner_text()


def test_the_status_page_shows_the_state(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    timeline.note(scripted.files.timeline, "engine", "starting", "loading")
    timeline.note(scripted.files.timeline, "engine", "ready")
    scripted.plan(accelerator="1 x a card", reasons=("Because of this.",))
    llm = RotatingLog(scripted.files.llm_log, 1_000_000)
    llm.write(b"the engine's first line\n\x1b[31mERROR in red\x1b[0m\n")
    scripted.engine.script = Script(reasoning=["So ", "it is."], answer=["A ", "sign."], rate=50)
    chat = open_page(scripted.url)
    for question in ("One?", "Two?"):
        chat.ask(question)
        chat.finished()
    with chat.context.expect_page() as opened:
        chat.page.get_by_role("link", name=re.compile("Status")).click()
    page = opened.value
    page.on("console", lambda message: message.type == "error" and chat.errors.append(message.text))
    expect(page.locator(".state")).to_have_text("Ready")
    assert "Kimi-VL A3B Thinking" in card(page, "engine")
    assert "SGLang, 1 x a card" in card(page, "engine")
    page.get_by_text("Why this engine").click()
    expect(page.get_by_text("Because of this.")).to_be_visible()
    expect(page.locator("[data-card=first] circle")).not_to_have_count(0)
    expect(page.locator("[data-card=speed] circle")).not_to_have_count(0)
    assert re.search(r"[\d.]+ tokens/s", card(page, "speed"))
    assert re.search(r"[1-9]\d*\s+open chats", card(page, "now"))
    assert "GiB" in card(page, "machine")
    history = card(page, "history")
    assert history.index("Engine: Ready") < history.index("Engine: Starting")
    assert "loading the model" in history
    engine_log = page.locator("[data-log=llm] pre")
    expect(engine_log).to_contain_text("the engine's first line\nERROR in red")
    expect(engine_log.locator(".error")).to_have_text("ERROR in red\n")
    llm.write(b"a line that came later\n")
    expect(engine_log).to_contain_text("ERROR in red\na line that came later")
    expect(page.locator("[data-log=app] pre")).to_contain_text("turn ended ending=stop model=scripted")
    llm.close()
    # As at 400 % zoom of a screen 1280 pixels wide.
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    scripted.status(state="failed", reason=Reason.of_text("No room."))
    expect(page.locator(".state")).to_have_text("Failed")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    scripted.status(state="ready")
    expect(page.locator(".state")).to_have_text("Ready")


def test_a_line_shows_the_progress_of_a_growing_answer(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=["so "] * 20, answer=["word "] * 3000, rate=20, hold=True)
    page = open_page(scripted.url)
    line = page.page.locator(".pulse")
    page.ask("x")
    expect(line).to_have_text(re.compile(r"^Waiting for the first token · \d+ s$"))
    scripted.thread.go()
    expect(line).to_have_text(re.compile(r"^\d+ tokens/s$"))
    # It stays, also while its words stay the same, and covers nothing that can be pressed.
    page.page.wait_for_timeout(4000)
    expect(line).to_be_visible()
    page.stop_button.click()
    page.finished()
    expect(line).to_be_hidden()


@pytest.mark.parametrize(
    "view",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "color_scheme": "dark"},
    ],
    ids=["wide", "phone-zh-dark"],
)
def test_it_is_for_everyone(scripted: ScriptedProduct, browser: Browser, view: dict[str, object]) -> None:
    context = browser.new_context(**view)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(f"{scripted.url}/status")
    expect(page.locator(".state")).to_have_text("就绪" if "locale" in view else "Ready")
    violations = Axe().run(page).response["violations"]
    assert [found["id"] for found in violations if found["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if "locale" in view:
        seen = page.locator("main").inner_text()
        assert set(re.findall(r"[A-Za-z]{4,}", page.locator("h2, h3, dt").all_inner_texts().__repr__())) == set()
        assert "运行状态" in seen
    assert errors == []
    context.close()


def test_an_ended_login_is_renewed_where_no_form_is_needed(scripted: ScriptedProduct, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{scripted.url}/status")
    expect(page.locator(".state")).to_have_text("Ready")
    for _ in range(2):
        with page.expect_response(lambda reply: reply.url.endswith("/auth/header") and reply.ok):
            context.clear_cookies()
        with page.expect_response(lambda reply: reply.url.endswith("/api/overview") and reply.ok):
            pass
        assert page.url == f"{scripted.url}/status"
    context.close()


def test_the_median_is_that_of_the_terminal(scripted: ScriptedProduct, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{scripted.url}/status")
    for values in ([3, 1], [5, 1, 2], [10, 1, 4, 2], [7]):
        assert page.evaluate("values => watch.median(values)", values) == median(values)
    context.close()


def test_a_stranger_sees_neither_status_nor_logs_nor_metrics(guarded: ScriptedProduct, browser: Browser) -> None:
    for path in ("/api/overview", "/api/logs", "/metrics"):
        assert get(guarded.url + path)[0] == 401, path
        assert get(guarded.url + path, "a wrong key")[0] == 401, path
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{guarded.url}/status")
    expect(page.locator("input[type=password]")).to_be_visible()
    context.close()


def test_the_key_lets_a_program_watch(guarded: ScriptedProduct, scripted: ScriptedProduct) -> None:
    assert oct(guarded.files.watch_key.stat().st_mode)[-3:] == "600"
    key = guarded.files.watch_key.read_text().strip()
    status, text = get(f"{guarded.url}/metrics", key)
    assert status == 200
    assert "# TYPE kimi_turns_total counter" in text or 'kimi_engine_state{kimi_state="ready"} 1' in text
    assert json.loads(get(f"{guarded.url}/api/overview", key)[1])["engine"]["state"] == "ready"
    # Anyone on a machine that alone can reach the page could sign in there anyway.
    assert get(f"{scripted.url}/metrics")[0] == 200
    assert get(f"{scripted.url}/api/overview")[0] == 401


def test_no_log_has_a_secret_or_a_session_or_what_was_written(
    guarded: ScriptedProduct, browser: Browser, picture: Callable[[str, bytes], Path]
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(guarded.url)
    log_in(page, "wrong" + PASSWORD)
    expect(page.locator("form")).to_contain_text(re.compile("password|sign in", re.IGNORECASE))
    log_in(page, PASSWORD)
    expect(page.locator("#chat-input")).to_be_visible()
    page.locator("#upload-button-input").set_input_files(picture(f"{WORDS}.png", png(shop_sign("x"))))
    guarded.engine.script = Script(answer=[WORDS])
    page.locator("#chat-input").fill(WORDS)
    page.locator("#chat-submit").click()
    expect(page.locator('[data-step-type="assistant_message"]').last).to_contain_text(WORDS)
    guarded.engine.script = Script(status=400, error=f"the engine does not like {WORDS}")
    page.locator("#chat-input").fill("Again?")
    page.locator("#chat-submit").click()
    expect(page.locator('[data-step-type="assistant_message"]').last).to_contain_text("does not like")
    sessions = set(re.findall(r"session_id=([0-9a-f-]{36})", " ".join(sent)))
    assert sessions
    guarded.stop()
    log = guarded.log()
    files = guarded.files
    secrets = [path.read_text().strip() for path in (files.engine_key, files.auth_secret, files.watch_key)]
    cookies = [str(cookie["value"]) for cookie in context.cookies()]
    for unwanted in (*sessions, *secrets, *cookies, PASSWORD, WORDS):
        assert unwanted not in log
    events = [json.loads(line) for line in log.splitlines()]
    [ended, failed] = [event for event in events if event.get("message") == "turn ended"]
    assert (ended["ending"], failed["ending"], failed["error"]) == ("stop", "error", "engine_error")
    spans = {span["name"]: span for span in events if span.get("context", {}).get("trace_id") == f"0x{ended['trace']}"}
    assert {"turn", "receive", "picture", "queue", "chat scripted"} <= set(spans)
    assert spans["turn"]["attributes"]["gen_ai.conversation.id"] == ended["thread"]
    assert spans["chat scripted"]["attributes"]["kimi.request.pictures"] == 1
    context.close()
    guarded.start()
