"""Chats longer than a screen: they open at their end, and earlier turns load on demand."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.access.test_safety import Caller
from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

SCREEN = 30
"""The turns that a page gets at once."""
_PATIENCE = 20
"""Seconds within which others are answered while a long chat opens: 0.1 s, longer on a busy test machine."""


@pytest.fixture(scope="module")
def long_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    with ScriptedProduct(tmp_path_factory.mktemp("long") / "workspace") as product:
        yield product


@pytest.fixture
def long(long_process: ScriptedProduct) -> ScriptedProduct:
    long_process.reset()
    return long_process


@pytest.fixture(scope="module")
def thousands(long_process: ScriptedProduct) -> str:
    """The address of a chat of 5,000 turns."""
    return imported(long_process, 5000)


def imported(product: ScriptedProduct, count: int, first_picture: bytes = b"") -> str:
    """Imports a chat whose turns are numbered from 0, the first one with this picture; returns its URL."""
    turns: list[dict[str, object]] = [
        {
            "id": str(n),
            "parent": str(n - 1) if n else "",
            "text": f"question {n}.",
            "asked": 1_700_000_000 + n,
            "answers": [{"text": f"answer {n}.", "ending": "stop"}],
        }
        for n in range(count)
    ]
    if first_picture:
        turns[0]["pictures"] = [{"name": "a.png", "data": base64.b64encode(first_picture).decode()}]
    chat = {"format": "kimi-vl-chat", "version": 1, "name": f"{count} turns", "turns": turns}
    body = json.dumps(chat).encode()
    status, _, reply = (
        Caller(product).sign_in().request("POST", "/api/threads/import", body, Content_Type="application/json")
    )
    assert status < 300, reply
    return f"{product.url}/thread/{json.loads(reply)['threadId']}"


def asked(*numbers: int) -> list[str]:
    return [f"question {n}." for n in numbers]


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Show earlier messages")


def press(earlier: Locator) -> None:
    """Presses the button where it is. Playwright's click would scroll to it first, which asks for the turns already."""
    earlier.dispatch_event("click")


def show_all(chat: ChatPage, count: int) -> None:
    """Presses the button until the chat's first question is there."""
    for shown in range(SCREEN, count, SCREEN):
        press(button(chat.page))
        expect(chat.questions).to_have_count(min(shown + SCREEN, count))
    expect(button(chat.page)).to_have_count(0)


@contextmanager
def somebody_else(product: ScriptedProduct) -> Iterator[list[float]]:
    """Requests /healthz continuously; the seconds that each reply took."""
    took: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.wait(0.05):
            began = time.monotonic()
            with urllib.request.urlopen(f"{product.url}/healthz", timeout=60) as reply:
                assert reply.status == 200
            took.append(time.monotonic() - began)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield took
    finally:
        ended.set()
        asking.join()


def test_a_chat_of_thousands_of_turns_opens_at_its_end_and_others_are_answered(
    long: ScriptedProduct, thousands: str, open_page: OpenPage
) -> None:
    with somebody_else(long) as took:
        chat = open_page(thousands)
        expect(chat.questions).to_have_text(asked(*range(5000 - SCREEN, 5000)))
    assert took
    assert max(took) < _PATIENCE
    expect(chat.answers.last).to_contain_text("answer 4999.")
    expect(chat.answers.last).to_be_in_viewport()
    expect(chat.page.get_by_role("button", name="Regenerate")).to_have_count(SCREEN)


def test_scrolling_up_brings_the_turns_before_and_what_is_read_stays_in_its_place(
    thousands: str, open_page: OpenPage
) -> None:
    chat = open_page(thousands)
    expect(chat.questions).to_have_text(asked(*range(5000 - SCREEN, 5000)))
    expect(chat.answers.last).to_be_in_viewport()
    chat.page.mouse.move(640, 400)
    first = 5000 - SCREEN
    for _ in range(2):
        read = chat.questions.filter(has_text=re.compile(rf"^question {first + 1}\.$"))
        # In one step, to where more is loaded: that must not move what the user sees.
        place = chat.questions.first.evaluate(
            """step => {
                const box = step.parentElement.parentElement;
                box.scrollTop = 100;
                const read = step.parentElement.querySelectorAll('[data-step-type="user_message"]')[1];
                return read.getBoundingClientRect().top;
            }"""
        )
        expect(chat.questions).to_have_text(asked(*range(first - SCREEN, 5000)))
        # Give or take the wheel's last step; a screen of turns is thousands of pixels.
        assert abs(read.evaluate("step => step.getBoundingClientRect().top") - place) < 3
        first -= SCREEN
    chat.page.mouse.wheel(0, -20_000)
    expect(chat.questions).to_have_text(asked(*range(first - SCREEN, 5000)))
    expect(chat.page.get_by_role("button", name="Regenerate")).to_have_count(5000 - first + SCREEN)
    expect(chat.answers.last).not_to_be_in_viewport()


def test_earlier_turns_come_by_keyboard_to_the_first_of_them(long: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(imported(long, SCREEN + 5))
    expect(chat.questions).to_have_count(SCREEN)
    button(chat.page).focus()
    chat.page.keyboard.press("Enter")
    expect(chat.questions).to_have_text(asked(*range(SCREEN + 5)))
    expect(button(chat.page)).to_have_count(0)
    expect(chat.page.get_by_role("status").filter(has_text="5 earlier questions are shown above.")).to_have_count(1)
    expect(chat.page.locator(".earlier-turns")).to_be_focused()
    chat.page.locator("#new-chat-button").click()
    expect(chat.questions).to_have_count(0)
    long.engine.script = Script(answer=["A new chat."])
    chat.ask("Hello?")
    expect(chat.answers.last).to_contain_text("A new chat.")
    chat.finished()
    expect(button(chat.page)).to_have_count(0)


def test_the_button_for_earlier_turns_is_chinese_for_a_chinese_browser(thousands: str, open_page: OpenPage) -> None:
    chat = open_page(thousands, locale="zh-CN", viewport={"width": 390, "height": 800})
    press(chat.page.get_by_role("button", name="显示更早的消息"))
    expect(chat.questions).to_have_count(2 * SCREEN)


def _reloaded(chat: ChatPage) -> None:
    chat.page.reload()


def _chosen(chat: ChatPage) -> None:
    thread = chat.page.url.rsplit("/", 1)[1]
    chat.page.goto(chat.url.split("/thread/", maxsplit=1)[0])
    chat.page.locator(f"#thread-{thread} a").click()


@pytest.mark.parametrize("again", [_reloaded, _chosen])
def test_a_question_of_a_chat_that_was_opened_again_can_be_edited(
    long: ScriptedProduct, open_page: OpenPage, again: Callable[[ChatPage], None]
) -> None:
    chat = open_page(imported(long, 4))
    expect(chat.questions).to_have_count(4)
    again(chat)
    expect(chat.questions).to_have_text(asked(0, 1, 2, 3))
    expect(chat.answers.last.get_by_role("button", name="Regenerate")).to_have_count(1)
    long.engine.script = Script(answer=["Changed."])
    chat.edit(chat.questions.nth(1), "And now?")
    chat.finished()
    expect(chat.questions).to_have_text(["question 0.", "And now?"])
    expect(chat.answers).to_have_count(2)
    expect(chat.answers.last).to_contain_text("Changed.")
    assert [message["content"] for message in long.engine.requests[-1]["messages"]] == [
        "question 0.", "answer 0.", "And now?",
    ]  # fmt: skip
    chat.answers.last.get_by_role("button", name="Earlier question (1/2)").click()
    expect(chat.questions).to_have_text(asked(0, 1, 2, 3))


def test_turns_that_came_by_scrolling_up_work_as_the_last_ones_do(long: ScriptedProduct, open_page: OpenPage) -> None:
    count = 2 * SCREEN + 10
    chat = open_page(imported(long, count))
    expect(chat.questions).to_have_count(SCREEN)
    show_all(chat, count)
    expect(chat.questions).to_have_text(asked(*range(count)))

    good = chat.answers.nth(2)
    good.get_by_role("button", name="Helpful", exact=True).click()
    chat.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    expect(good.locator(".positive-feedback-on")).to_have_count(1)

    long.engine.script = Script(answer=["Another one."])
    chat.answers.nth(3).get_by_role("button", name="Regenerate").click()
    expect(chat.answers.nth(3)).to_contain_text("Another one.")
    expect(chat.answers.nth(3).get_by_role("button", name="Earlier answer (1/2)")).to_have_count(1)

    long.engine.script = Script(answer=["Changed."])
    chat.edit(chat.questions.nth(1), "And now?")
    expect(chat.answers.last).to_contain_text("Changed.")
    chat.finished()
    expect(chat.questions).to_have_text(["question 0.", "And now?"])

    chat.answers.last.get_by_role("button", name="Earlier question (1/2)").click()
    expect(chat.questions).to_have_text(asked(*range(count)))
    expect(chat.answers.nth(2).locator(".positive-feedback-on")).to_have_count(1)
    chat.answers.nth(3).get_by_role("button", name="Earlier answer (1/2)").click()
    expect(chat.answers.nth(3)).to_contain_text("answer 3.")


def test_a_page_that_connects_again_keeps_the_earlier_turns_that_it_has(
    long: ScriptedProduct, open_page: OpenPage
) -> None:
    address = imported(long, 2 * SCREEN)
    with long.cable() as cable:
        chat = open_page(address.replace(f":{long.port}", f":{cable.port}"))
        expect(chat.questions).to_have_count(SCREEN)
        press(button(chat.page))
        expect(chat.questions).to_have_count(2 * SCREEN)
        long.engine.script = Script(answer=["One ", "after ", "another."], hold=True)
        chat.ask("And now?")
        long.wait(lambda engine: bool(engine.requests), 60)
        cable.pull()
        time.sleep(0.5)
        cable.plug()
        long.thread.go()
        expect(chat.answers.last).to_contain_text("One after another.")
        expect(chat.questions).to_have_text([*asked(*range(2 * SCREEN)), "And now?"])
        expect(chat.answers.first.get_by_role("button", name="Regenerate")).to_have_count(1)
        expect(chat.answers.last.get_by_role("button", name="Regenerate")).to_have_count(1)
        expect(chat.page.get_by_role("button", name="Regenerate")).to_have_count(2 * SCREEN + 1)
        chat.errors.clear()  # the browser's own, about the connection


def test_pictures_of_earlier_turns_come_with_them(long: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(imported(long, SCREEN + 1, png(shop_sign("TEA", "house"))))
    expect(chat.questions).to_have_text(asked(*range(1, SCREEN + 1)))
    press(button(chat.page))
    expect(chat.questions.first).to_contain_text("question 0.")
    shown = chat.questions.first.locator("img")
    # Browsers load a picture when it comes near the screen.
    shown.scroll_into_view_if_needed()
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("image => image.naturalWidth") > 0


def test_a_hit_of_a_search_opens_its_chat_at_the_message(long: ScriptedProduct, open_page: OpenPage) -> None:
    imported(long, 71)
    chat = open_page(long.url)
    chat.page.keyboard.press("Control+k")
    chat.page.get_by_placeholder("Search chats").fill("answer 5.")
    hit = chat.page.get_by_role("option").filter(has_text="71 turns")
    expect(hit).to_contain_text("answer 5.")
    hit.click()
    expect(chat.questions.filter(has_text=re.compile(r"question 5\."))).to_be_in_viewport()
