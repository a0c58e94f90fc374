"""Chats that are kept: found again after everything was stopped and started, searched, renamed, deleted, rated."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.pages import ChatPage
from tests.browser.servers import ScriptedProduct
from tests.pictures import png, shop_sign
from tests.scripted_engine import Script

MakePicture = Callable[[str, bytes], Path]


@pytest.fixture(scope="module")
def kept_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page of this module's own: it is stopped and started, and its list of chats is looked at."""
    with ScriptedProduct(tmp_path_factory.mktemp("kept") / "workspace") as product:
        yield product


@pytest.fixture
def kept(kept_process: ScriptedProduct) -> ScriptedProduct:
    kept_process.reset()
    return kept_process


def restart(product: ScriptedProduct) -> None:
    product.stop()
    product.start()


def entries(page: Page) -> Locator:
    """The chats in the sidebar."""
    return page.locator('[id^="thread-"] a')


def thread_of(chat: ChatPage) -> str:
    """The id of the chat that is open."""
    expect(chat.page).to_have_url(re.compile(r"/thread/[0-9a-f-]{36}$"))
    return urlsplit(chat.page.url).path.rsplit("/", 1)[1]


def answered(chat: ChatPage, product: ScriptedProduct, question: str, answer: str, reasoning: str = "") -> None:
    """Asks and waits for the answer."""
    product.engine.script = Script(reasoning=[reasoning] if reasoning else [], answer=[answer])
    chat.ask(question)
    expect(chat.answers.last).to_contain_text(answer)
    chat.finished()


def test_a_chat_is_found_again_after_a_full_stop_and_start(
    kept: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(kept.url)
    kept.engine.script = Script(reasoning=["Looking: name:value."], answer=["A **tea** house."])
    chat.ask("What is the shop called?", [picture("招牌 1.png", png(shop_sign("TEA HOUSE", "since 1987")))])
    expect(chat.answers.last).to_contain_text("A tea house.")
    chat.finished()
    kept.engine.script = Script(answer=["Another answer."])
    chat.answers.last.get_by_role("button", name="Regenerate").click()
    expect(chat.answers.last).to_contain_text("Another answer.")
    chat.finished()
    chat.answers.last.get_by_role("button", name="Earlier answer").click()
    expect(chat.answers.last).to_contain_text("A tea house.")
    answered(chat, kept, "And since when?", "Since 1987.")
    thread = thread_of(chat)
    chat.close()

    restart(kept)

    chat = open_page(kept.url)
    entry = entries(chat.page).filter(has_text="What is the shop called?")
    entry.click()
    expect(chat.questions).to_have_count(2)
    assert thread_of(chat) == thread
    expect(chat.answers.first).to_contain_text("A tea house.")
    expect(chat.answers.last).to_contain_text("Since 1987.")
    shown = chat.questions.first.locator("img")
    expect(shown).to_have_count(1)
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert thread in unquote(shown.get_attribute("src") or "")
    chat.steps.first.get_by_role("button").click()
    expect(chat.steps.first).to_contain_text("Looking: name:value.")
    expect(chat.notes.first).to_contain_text("scripted")

    kept.engine.script = Script(answer=["Green."])
    chat.ask("Which colour?")
    expect(chat.answers.last).to_contain_text("Green.")
    messages = kept.engine.requests[-1]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant", "user"]
    [image, _] = messages[0]["content"]
    assert Path(unquote(urlsplit(image["image_url"]["url"]).path)).is_file()
    assert messages[1]["content"] == "A **tea** house."

    chat.answers.first.get_by_role("button", name="Later answer").click()
    expect(chat.answers.first).to_contain_text("Another answer.")


def test_the_chat_that_is_open_goes_on_after_a_restart(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "First?", "Yes, first.")
    restart(kept)
    chat.errors.clear()  # the browser's own, about a server that was away
    answered(chat, kept, "Second?", "Yes, second.")
    expect(chat.questions).to_have_count(2)
    assert [message["content"] for message in kept.engine.requests[-1]["messages"]] == [
        "First?", "Yes, first.", "Second?",
    ]  # fmt: skip
    expect(chat.answers.first.get_by_role("button", name="Regenerate")).to_have_count(1)
    chat.errors.clear()
