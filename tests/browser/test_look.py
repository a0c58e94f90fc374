"""The prepared front end on the real page: complete text, formulas, no requests elsewhere, and no complaint by axe."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from engine.status import Reason
from tests.instruments.chat_page import ChatPage
from tests.instruments.chromium import Chromium
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

pytestmark = pytest.mark.browser

ANSWER = r"""
Total:USD 5, key:value, 姓名:张三, 10:30 and a :smile: between $5 and $6, <b>not bold</b>.

:::note
kept as it is
:::

Inline \(E = mc^2\) and $a^2$, then on lines of their own:

\[
\int_0^1 x^2\,dx
\]

$$\sum_{i=1}^n i$$

| Item | Price |
|---|--:|
| Noodles:beef | ¥18 |

```python
total = "a:b"  # \(no formula\) for $5
```

```
key:value
```

[A link](https://example.com/)
"""


class Counting(BaseHTTPRequestHandler):
    """Another host, which records its requests."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Logs nothing."""


@pytest.fixture(scope="module")
def chromium(chromium_process: Chromium) -> Browser:
    return chromium_process.browser()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    with ScriptedProduct(tmp_path_factory.mktemp("look")) as product:
        yield product


def answered(browser: Browser, product: ScriptedProduct, answer: str = ANSWER, **context: Any) -> ChatPage:
    """A page on which `answer` was given to one question."""
    product.reset()
    product.engine.script = Script(reasoning=["Looking at the picture: name:value."], answer=[answer])
    chat = ChatPage(browser, product.url, **context).open()
    chat.ask("What does it cost?")
    expect(chat.answers.last.get_by_role("button").first).to_be_visible()
    chat.finished()
    return chat


@pytest.fixture(scope="module")
def chat(chromium: Browser, product: ScriptedProduct) -> Iterator[ChatPage]:
    chat = answered(chromium, product)
    yield chat
    chat.close()


def complaints(page: Page, inside: str | None = None, without: str = "") -> list[str]:
    """What axe finds on the page, or inside an element, with every rule but one. Violations of every impact count."""
    options = {"rules": {without: {"enabled": False}}} if without else None
    found = Axe().run(page, context=inside, options=options).response["violations"]
    return [f"{violation['id']}: {node['html'][:160]}" for violation in found for node in violation["nodes"]]


# ------------------------------------------------------------------------------------------------------ What is shown


def test_nothing_after_a_colon_is_lost_and_money_is_no_formula(chat: ChatPage) -> None:
    expected = "Total:USD 5, key:value, 姓名:张三, 10:30 and a :smile: between $5 and $6, <b>not bold</b>."
    expect(chat.answers.last).to_contain_text(expected)
    expect(chat.answers.last).to_contain_text(":::note kept as it is :::")


def test_formulas_are_drawn_with_all_their_delimiters(chat: ChatPage) -> None:
    answer = chat.answers.last
    expect(answer.locator(".katex")).to_have_count(4)
    expect(answer.locator(".katex-display")).to_have_count(2)
    expect(answer.locator(".katex-error")).to_have_count(0)
    expect(answer.locator("annotation").first).to_have_text("E = mc^2")


def test_formulas_are_set_in_katexs_own_fonts(chat: ChatPage) -> None:
    used = "() => [...document.fonts].filter(font => font.status === 'loaded').map(font => font.family)"
    families = chat.page.evaluate(f"document.fonts.ready.then({used})")
    assert {"KaTeX_Main", "KaTeX_Math"} <= set(families)


def test_tables_and_code_are_whole(chat: ChatPage) -> None:
    answer = chat.answers.last
    expect(answer.get_by_role("cell", name="Noodles:beef")).to_be_visible()
    expect(answer.locator("pre code")).to_have_text('total = "a:b"  # \\(no formula\\) for $5')
    expect(answer.get_by_text("key:value", exact=True)).to_be_visible()
    expect(answer.get_by_role("button", name="Copy", exact=True)).to_have_count(3)


def test_the_readers_whole_text_is_folded_below_its_quote_and_can_be_saved(
    chromium: Browser, product: ScriptedProduct
) -> None:
    lines = [f"line {number}" for number in range(48)]
    csv = 'Item,Change\n=HYPERLINK(A1),-5\n"+1,@x",-$2.50'
    said = "\n".join(["> TOTAL 4.26  ", "> Cash 5.00", "", "```transcript", *lines, "```", "", "```csv", csv, "```"])
    chat = answered(chromium, product, said, viewport={"width": 390, "height": 844})
    answer, heading = chat.answers.last, chat.page.get_by_role("button", name="All the text · 48 lines")
    expect(heading).to_have_attribute("aria-expanded", "false")
    expect(answer.get_by_text("line 7", exact=False)).to_have_count(0)
    expect(answer.get_by_text("TOTAL 4.26")).to_be_in_viewport()
    assert answer.locator("blockquote").inner_text().strip() == "TOTAL 4.26\nCash 5.00"
    saved = []
    for button in answer.get_by_role("button", name="Download this as a file").all():
        with chat.page.expect_download() as download:
            button.click()
        saved.append((download.value.suggested_filename, download.value.path().read_text()))
    table = "\ufeffItem,Change\n'=HYPERLINK(A1),-5\n\"'+1,@x\",-$2.50\n"
    assert saved == [("text.txt", "\n".join([*lines, ""])), ("table.csv", table)]
    heading.press("Enter")
    expect(answer.get_by_text("line 47")).to_be_attached()
    assert complaints(chat.page) == []
    chat.close()


def test_an_answer_is_copied_as_the_model_wrote_it(chromium: Browser, product: ScriptedProduct) -> None:
    chat = answered(chromium, product, permissions=["clipboard-read", "clipboard-write"])
    chat.answers.last.get_by_role("button", name="Copy", exact=True).last.click()
    chat.page.wait_for_function("navigator.clipboard.readText().then(text => text.length > 0)")
    assert chat.page.evaluate("navigator.clipboard.readText()").strip() == ANSWER.strip()
    chat.close()


def test_the_page_fetches_from_nowhere_else_and_logs_no_error(chat: ChatPage) -> None:
    assert chat.foreign == []
    assert chat.errors == []


def test_a_picture_on_another_host_is_not_fetched(chromium: Browser, product: ScriptedProduct) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as elsewhere:
        Thread(target=elsewhere.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{elsewhere.server_port}"
        Counting.asked.clear()
        urllib.request.urlopen(f"{address}/from-the-test").close()
        chat = answered(chromium, product, f"![a]({address}/a.png) ![b]({address.removeprefix('http:')}/b.png)")
        expect(chat.answers.last.locator("img[alt=b]")).to_be_attached()
        refused = [error for error in chat.errors if "Content Security Policy" in error]
        chat.close()
        elsewhere.shutdown()
    assert Counting.asked == ["/from-the-test"]
    assert refused


# ----------------------------------------------------------------------------------------------- Accessibility


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"color_scheme": "dark"},
        {"locale": "zh-CN", "viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
        {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": 320, "height": 256}},
    ],
    ids=["light", "dark", "phone", "zoomed"],
)
def test_axe_finds_nothing(chromium: Browser, product: ScriptedProduct, context: dict[str, Any]) -> None:
    chat = answered(chromium, product, ANSWER + "\n\nline" * 60, **context)
    page = chat.page
    page.evaluate("document.querySelector('.earlier-turns').parentElement.parentElement.scrollTop = 0")
    expect(page.locator(".step")).not_to_have_count(0)
    settle(page)
    assert complaints(page) == []
    for opener in ("#chat-settings-open-modal", "#readme-button"):
        page.locator(opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        settle(page)
        assert complaints(page) == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#chat-profiles").click()
    settle(page)
    # While the list is open, its library hides all other landmarks from screen readers; arrow keys scroll it.
    assert complaints(page, "[role=listbox]", without="scrollable-region-focusable") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)
    # A phone has the list of chats in a dialog, a wide window the search.
    if context.get("viewport"):
        page.locator("#sidebar-trigger-button").click()
    else:
        page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog")).to_be_visible()
    settle(page)
    assert complaints(page) == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    chat.attach({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"})
    toast = page.locator("[data-sonner-toast]")
    expect(toast).to_be_visible()
    settle(page)
    assert complaints(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth")
    read = page.evaluate("document.querySelector('.earlier-turns').parentElement.parentElement.clientHeight")
    assert read >= 120
    toast.get_by_role("button").click()
    expect(toast).to_have_count(0)
    chat.close()


def test_high_contrast_shows_the_buttons_that_send_and_stop(chromium: Browser, product: ScriptedProduct) -> None:
    product.reset()
    product.engine.script = Script(answer=["So ", "far."], stall_after=1)
    chat = ChatPage(chromium, product.url, forced_colors="active").open()
    chat.input.fill("What is it?")
    look = "element => [getComputedStyle(element).borderTopWidth, getComputedStyle(element.firstElementChild).color]"
    ground = chat.page.evaluate("getComputedStyle(document.body).backgroundColor")
    width, colour = chat.page.locator("#chat-submit").evaluate(look)
    assert width == "1px"
    assert colour != ground
    chat.input.press("Enter")
    width, colour = chat.stop_button.evaluate(look)
    assert width == "1px"
    assert colour != ground
    product.thread.go()
    chat.close()


def settle(page: Page) -> None:
    """Waits until nothing moves or fades: axe measures contrasts as they are at that moment."""
    page.evaluate("Promise.allSettled(document.getAnimations().map(animation => animation.finished))")


def test_axe_finds_nothing_on_an_empty_chat_with_files(chromium: Browser, product: ScriptedProduct) -> None:
    product.reset()
    product.status(state="failed", reason=Reason.of_text("The weights are missing."))
    chat = ChatPage(chromium, product.url).open()
    expect(chat.page.get_by_role("status").filter(has_text="The weights are missing.")).to_be_visible()
    chat.attach({"name": "a.png", "mimeType": "image/png", "buffer": b"x"})
    expect(chat.page.get_by_role("button", name="Remove this file")).to_be_visible()
    settle(chat.page)
    assert complaints(chat.page) == []
    chat.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_banner_covers_nothing_of_the_chat(chromium: Browser, product: ScriptedProduct, width: int) -> None:
    chat = answered(chromium, product, "word " * 3000, viewport={"width": width, "height": 900})
    product.status(state="failed", reason=Reason.of_text("The weights are missing. " * 6))
    banner = chat.page.locator(".engine-banner")
    expect(banner).to_be_visible()
    box = banner.bounding_box()
    assert box
    top = chat.page.evaluate("document.querySelector('.chat-area').lastElementChild.getBoundingClientRect().top")
    assert top >= box["y"] + box["height"]
    chat.close()


@pytest.mark.parametrize("width", [390, 820, 1280, 3840])
def test_nothing_is_wider_than_the_window(chromium: Browser, product: ScriptedProduct, width: int) -> None:
    wide = "word" * 300 + "\n\n|" + " column |" * 30 + "\n|" + "---|" * 30 + "\n\n$$" + "x + " * 200 + "x$$\n"
    chat = answered(chromium, product, wide, viewport={"width": width, "height": 900})
    assert chat.page.evaluate("document.documentElement.scrollWidth") <= width
    for part in (chat.answers.last, chat.page.locator("#message-composer")):
        box = part.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    chat.close()


def test_the_whole_page_can_be_used_by_keyboard_and_shows_where_one_is(
    chromium: Browser, product: ScriptedProduct
) -> None:
    chat = answered(chromium, product)
    chat.input.focus()
    names: list[str] = []
    for _ in range(100):
        chat.page.keyboard.press("Tab")
        names.append(
            chat.page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
        )
        focused = chat.page.locator(":focus")
        if focused.count() and focused.evaluate("element => element.matches('button, a')"):
            assert is_marked(focused), names[-1]
    assert {"Add pictures, PDFs or a video", "Settings", "New chat", "Help", "Edit this question", "Copy"} <= set(names)
    chat.close()


def is_marked(element: Locator) -> bool:
    look = "({ outlineStyle, boxShadow, opacity }) => [outlineStyle, boxShadow, opacity]"
    outline, shadow, opacity = element.evaluate(f"element => ({look})(getComputedStyle(element))")
    return opacity != "0" and (outline != "none" or shadow != "none")


def test_the_page_speaks_chinese_throughout(chromium: Browser, product: ScriptedProduct) -> None:
    chat = answered(chromium, product, "代码：\n\n```\nx\n```", locale="zh-CN")
    page = chat.page
    expect(page.get_by_text("Looking at the picture")).to_be_hidden()
    visible = page.locator("body").inner_text()
    names = page.evaluate(
        "[...document.querySelectorAll('[aria-label], [placeholder]')].map(e => e.ariaLabel ?? e.placeholder)"
    )
    # Without a letter it is a time of day.
    english = [
        line
        for line in [*visible.splitlines(), *names]
        if any(map(str.isalpha, line)) and line.isascii() and len(line) > 3
        if line not in {"Kimi-VL Chat", "What does it cost?", "What is it?", "scripted"}
    ]
    assert english == []
    chat.close()


def test_a_rejected_file_is_reported_in_the_users_language(chromium: Browser, product: ScriptedProduct) -> None:
    product.reset()
    chat = ChatPage(chromium, product.url, locale="zh-CN").open()
    chat.attach({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(chat.page.get_by_text("无法读取 notes.txt")).to_be_visible()
    chat.close()
