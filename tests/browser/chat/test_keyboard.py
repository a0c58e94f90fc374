"""The commonest tasks with the keyboard alone: nothing here is clicked."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

MakePicture = Callable[[str, bytes], Path]


CHOSEN = """picture => {
  const bytes = Uint8Array.from(atob(picture), (byte) => byte.charCodeAt(0));
  const file = new File([bytes], "sign.png", { type: "image/png" });
  window.showOpenFilePicker = async () => [{ kind: "file", getFile: async () => file }];
}"""
"""The system's dialog for choosing files, which Playwright does not see where Chromium offers it to the page."""


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Presses Tab until this element has the focus."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab does not reach {selector}")


def ask_with_a_picture(chat: ChatPage, sign: Path) -> None:
    page, keys = chat.page, chat.page.keyboard
    # The first Tab stop of the page leads to the message box.
    page.evaluate("document.activeElement.blur()")
    tab_to(page, ".skip-link")
    keys.press("Enter")
    expect(chat.input).to_be_focused()

    # Attach a picture, and ask about it.
    tab_to(page, "[aria-label='Add pictures or a PDF']")
    page.evaluate(CHOSEN, base64.b64encode(sign.read_bytes()).decode())
    keys.press("Enter")
    expect(page.locator("#attachments > *")).to_have_count(1)
    keys.press("Shift+Escape")
    keys.type("What is this shop?")
    expect(page.locator("#chat-submit")).to_be_enabled()
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("A tea house.")
    expect(page.locator("[aria-live=polite].sr-only")).to_have_text("Answer ready")
    expect(chat.stop_button).to_have_count(0)

    # Copy the answer.
    keys.press("Control+Shift+C")
    page.wait_for_function("navigator.clipboard.readText().then(words => words.includes('A tea house.'))")


def stop_edit_and_regenerate(chat: ChatPage, scripted: ScriptedProduct) -> None:
    page, keys = chat.page, chat.page.keyboard
    focused = page.locator(":focus")

    # Ask again, and stop; then the focus is in the message box.
    scripted.engine.script = Script(answer=["word "] * 4000, rate=40)
    expect(chat.input).to_be_focused()
    keys.type("And then?")
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("word")
    tab_to(page, "#stop-button")
    keys.press("Enter")
    expect(chat.stop_button).to_have_count(0)
    expect(chat.input).to_be_focused()

    # Edit the question: Escape leaves it, Enter sends it.
    scripted.engine.script = Script(answer=["Yes."])
    tab_to(page, ".edit-message", "Shift+Tab")
    keys.press("Enter")
    keys.type(" Not this")
    keys.press("Escape")
    expect(chat.questions.last).to_have_text("And then?")
    expect(focused).to_have_class(re.compile("edit-message"))
    keys.press("Enter")
    keys.press("End")
    keys.type(" Really?")
    keys.press("Control+Enter")
    expect(chat.questions.last).to_have_text("And then? Really?")
    expect(chat.answers.last).to_contain_text("Yes.")
    expect(chat.input).to_be_focused()
    expect(chat.stop_button).to_have_count(0)

    # Another answer.
    scripted.engine.script = Script(answer=["Certainly."])
    tab_to(page, "[id^=regenerate-]", "Shift+Tab")
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("Certainly.")
    expect(chat.stop_button).to_have_count(0)


def set_begin_and_find(chat: ChatPage) -> None:
    page, keys = chat.page, chat.page.keyboard
    focused = page.locator(":focus")

    # A setting.
    keys.press("Shift+Escape")
    tab_to(page, "#chat-settings-open-modal")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    tab_to(page, "[role=slider]")
    keys.press("ArrowRight")
    tab_to(page, "#confirm")
    keys.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)

    # A new chat of another kind; one Escape closes the list.
    keys.press("Control+Shift+O")
    expect(chat.questions).to_have_count(0)
    expect(chat.settings_button).to_be_visible()
    tab_to(page, "#chat-profiles", "Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("listbox")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(focused).to_have_id("chat-profiles")
    keys.press("Enter")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.locator("#chat-profiles")).to_have_text("Read text")

    # Find the chat again.
    keys.press("Control+k")
    keys.type("this shop")
    expect(page.get_by_role("option", name="What is this shop?")).to_be_visible()
    keys.press("Enter")
    expect(chat.questions.first).to_contain_text("What is this shop?")

    # The list of keys.
    page.evaluate("document.activeElement.blur()")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_commonest_tasks_need_no_mouse(
    scripted: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    scripted.engine.script = Script(answer=["A tea ", "house."])
    chat = open_page(scripted.url, permissions=["clipboard-read", "clipboard-write"])
    ask_with_a_picture(chat, picture("sign.png", png(shop_sign("TEA", "house"))))
    stop_edit_and_regenerate(chat, scripted)
    set_begin_and_find(chat)
