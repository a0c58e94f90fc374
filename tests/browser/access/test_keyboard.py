"""The commonest tasks, from signing in to signing out, with the keyboard alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from engine.access.passwords import People
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

_MOST_TABS = 60
_IS_MARKED = """() => {
    const element = document.activeElement;
    if (element === document.body) return true;
    const { outlineStyle, opacity } = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const isSeen = box.width > 0 && box.bottom > 0 && box.top < innerHeight && opacity !== "0";
    // A text field has a caret.
    return isSeen && (outlineStyle !== "none" || element.matches("input, textarea"));
}"""


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that others reach, with one user."""
    with ScriptedProduct(tmp_path_factory.mktemp("keyboard") / "workspace", KIMI_HOST="0.0.0.0") as product:
        People(product.files.people).add("anna", "anna's password")
        yield product


class Keyboard:
    """One who has no mouse, and looks where the focus is after each key."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)

    def reach(self, wanted: Locator, key: str = "Tab") -> None:
        """Presses the key until the element has the focus; each element on the way shows that it has it."""
        for _ in range(_MOST_TABS):
            if self._is_at(wanted):
                break
            self.press(key)
            # A menu moves the focus a moment after the key.
            self.page.wait_for_timeout(30)
            self.page.wait_for_function(_IS_MARKED)
        expect(wanted).to_be_focused()

    def choose(self, button: Locator, item: str) -> None:
        """Opens a menu and chooses an item."""
        self.reach(button, "Shift+Tab")
        self.press("Enter")
        self.pick(item)

    def pick(self, item: str) -> None:
        """Chooses an item of the menu that is open."""
        wanted = self.page.locator("[role=menuitem], [role=option]").filter(has_text=re.compile(f"^{item}"))
        expect(wanted).to_be_visible()
        self.reach(wanted, "ArrowDown")
        self.press("Enter")
        expect(wanted).to_have_count(0)

    def choose_file(self, button: Locator, file: Path) -> None:
        """Opens the file dialog and chooses a file."""
        self.reach(button)
        with self.page.expect_file_chooser() as opened:
            self.press("Enter")
        opened.value.set_files(file)

    def _is_at(self, wanted: Locator) -> bool:
        return wanted.count() == 1 and bool(wanted.evaluate("element => element === document.activeElement"))


def test_the_commonest_tasks_need_no_mouse(
    browser: Browser, public: ScriptedProduct, picture: Callable[[str, bytes], Path]
) -> None:
    public.reset()
    chat = ChatPage(browser, public.url)
    keys = Keyboard(chat.page)
    # Chromium's own file dialog, which a test cannot answer, is replaced by the usual one.
    chat.page.add_init_script("delete window.showOpenFilePicker")
    sign_in(keys, public.url)
    expect(chat.settings_button).to_be_visible()
    expect(chat.input).to_be_focused()
    lower_the_temperature(chat, keys)
    row = ask(chat, keys)
    stop(chat, keys, public, picture("sign.png", png(shop_sign("TEA", "HOUSE"))))
    regenerate_and_edit(chat, keys, public)
    assert 0 < public.engine.requests[-1]["temperature"] < 0.2
    choose_a_preset(chat, keys)
    open_and_rename(chat, keys, row)
    search_and_delete(chat, keys, row)
    switch_to_dark_and_sign_out(chat, keys)
    chat.close()


def sign_in(keys: Keyboard, url: str) -> None:
    keys.page.goto(url)
    expect(keys.page.get_by_role("textbox", name="Name")).to_be_focused()
    keys.type("anna")
    keys.reach(keys.page.locator("input[type=password]"))
    keys.type("anna's password")
    keys.press("Enter")


def lower_the_temperature(chat: ChatPage, keys: Keyboard) -> None:
    keys.reach(chat.settings_button)
    keys.press("Enter")
    panel = chat.page.get_by_role("dialog")
    keys.reach(panel.get_by_role("slider", name="Temperature"), "Shift+Tab")
    keys.press("Home", "ArrowRight")
    keys.reach(panel.get_by_role("button", name="Save"))
    keys.press("Enter")
    expect(panel).to_have_count(0)
    expect(chat.settings_button).to_be_focused()


def ask(chat: ChatPage, keys: Keyboard) -> Locator:
    """Asks a question; returns the row of its chat in the list."""
    keys.type("First?")
    keys.press("Enter")
    expect(chat.page).to_have_url(re.compile("/thread/"))
    expect(chat.button("Regenerate")).to_be_visible()
    return chat.page.locator(f"#thread-{urlsplit(chat.page.url).path.rsplit('/', 1)[1]}")


def stop(chat: ChatPage, keys: Keyboard, public: ScriptedProduct, file: Path) -> None:
    attach = chat.page.get_by_role("button", name="Add pictures, PDFs or a video")
    chat.finished()
    keys.choose_file(attach, file)
    expect(chat.page.locator("#attachments > *")).to_have_count(1)
    expect(attach).to_be_focused()
    public.engine.script = Script(answer=["So ", "far."], stall_after=1)
    keys.type("And this?")
    expect(chat.input).to_be_focused()
    keys.press("Enter")
    expect(chat.questions.nth(1)).to_contain_text("sign.png")
    keys.reach(chat.stop_button)
    keys.press("Enter")
    expect(chat.stop_button).to_have_count(0)
    expect(chat.input).to_be_focused()
    public.thread.go()


def regenerate_and_edit(chat: ChatPage, keys: Keyboard, public: ScriptedProduct) -> None:
    public.engine.script = Script(answer=["Again."])
    keys.reach(chat.button("Regenerate"), "Shift+Tab")
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("Again.")
    expect(chat.input).to_be_focused()
    public.engine.script = Script(answer=["Changed."])
    keys.reach(chat.questions.last.get_by_role("button", name="Edit this question"), "Shift+Tab")
    keys.press("Enter")
    expect(chat.page.locator("#edit-chat-input")).to_be_focused()
    keys.press("End")
    keys.type(" Really?")
    keys.press("Enter")
    expect(chat.answers.last).to_contain_text("Changed.")
    expect(chat.questions.last).to_contain_text("And this? Really?")
    expect(chat.input).to_be_focused()


def choose_a_preset(chat: ChatPage, keys: Keyboard) -> None:
    presets = chat.page.get_by_role("combobox", name="What the chat is for")
    keys.choose(presets, "Describe")
    expect(presets).to_contain_text("Describe")
    expect(chat.input).to_be_focused()
    expect(chat.questions).to_have_count(0)


def open_and_rename(chat: ChatPage, keys: Keyboard, row: Locator) -> None:
    keys.reach(row.locator("a"), "Shift+Tab")
    keys.press("Enter")
    expect(chat.questions).to_have_count(2)
    expect(chat.input).to_be_focused()
    keys.reach(row.locator("a"), "Shift+Tab")
    more = row.get_by_role("button", name="More for this chat")
    keys.reach(more, "ArrowRight")
    keys.press("Enter")
    keys.pick("Rename")
    expect(chat.page.get_by_role("textbox", name="Name")).to_be_focused()
    keys.press("Control+a")
    keys.type("Tea house")
    keys.press("Enter")
    expect(row).to_contain_text("Tea house")
    expect(more).to_be_focused()


def search_and_delete(chat: ChatPage, keys: Keyboard, row: Locator) -> None:
    more = row.get_by_role("button", name="More for this chat")
    keys.press("Control+k")
    keys.type("Changed.")
    hit = chat.page.get_by_role("option").filter(has_text="Tea house")
    expect(hit).to_be_visible()
    keys.press("Escape")
    expect(hit).to_have_count(0)
    expect(more).to_be_focused()
    keys.press("Enter")
    keys.pick("Delete")
    sure = chat.page.get_by_role("alertdialog")
    expect(sure.get_by_role("button", name="Cancel")).to_be_focused()
    keys.reach(sure.get_by_role("button", name="Delete"))
    keys.press("Enter")
    expect(row).to_have_count(0)
    expect(chat.page.locator(":focus")).to_be_visible()


def switch_to_dark_and_sign_out(chat: ChatPage, keys: Keyboard) -> None:
    theme = chat.page.locator("#theme-toggle")
    keys.choose(theme, "Dark")
    expect(chat.page.locator("html")).to_have_class(re.compile("dark"))
    expect(theme).to_be_focused()
    keys.reach(chat.page.get_by_role("button", name="Account"))
    keys.press("Enter")
    keys.pick("Sign out$")
    expect(chat.page.get_by_role("textbox", name="Name")).to_be_focused()
