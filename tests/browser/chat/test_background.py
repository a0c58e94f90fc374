"""An answer goes on while another chat is on the screen; the list marks it, and a notice says when it is done."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.chat.test_history import answered, thread_of
from tests.browser.conftest import OpenPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

HELD = Script(answer=["So ", "far ", "to ", "the end."], stall_after=2)


def test_an_answer_goes_on_while_another_chat_is_on_the_screen(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(scripted.url)
    page = chat.page
    answered(chat, scripted, "Another chat", "Yes.")
    another = thread_of(chat)
    page.locator("#new-chat-button").click()
    expect(chat.questions).to_have_count(0)
    scripted.engine.script = HELD
    chat.ask("What takes so long?")
    expect(chat.answers.last).to_contain_text("So far")
    thread = thread_of(chat)
    mark = page.locator(f"#thread-{thread} .chat-mark")
    expect(mark).to_have_count(0)

    # Another chat of the list; Stop ends the answer that is given there, not this one.
    page.locator(f"#thread-{another} a").click()
    expect(mark).to_have_text("writing")
    expect(chat.questions).to_have_text(["Another chat"])
    scripted.engine.script = Script(answer=["word "] * 4000, rate=40)
    chat.ask("And then?")
    expect(chat.answers.last).to_contain_text("word")
    chat.stop_button.click()
    chat.finished()
    expect(mark).to_have_text("writing")

    # Back again, it is the live answer; left for a new chat, it goes on once more, also over a reload.
    page.locator(f"#thread-{thread} a").click()
    expect(chat.answers.last).to_contain_text("So far")
    expect(chat.stop_button).to_be_visible()
    expect(mark).to_have_count(0)
    page.locator("#new-chat-button").click()
    expect(mark).to_have_text("writing")
    page.reload()
    expect(mark).to_have_text("writing")
    expect(chat.settings_button).to_be_visible()
    scripted.thread.go()
    notice = page.locator("[data-sonner-toast]").filter(has_text="Answer ready: What takes so long?")
    expect(notice).to_be_visible()
    expect(mark).to_have_text("ready")
    notice.get_by_role("button", name="Open").click()
    expect(page).to_have_url(re.compile(thread))
    expect(chat.answers.last).to_contain_text("So far to the end.")
    expect(mark).to_have_count(0)
    expect(chat.stop_button).to_have_count(0)
    assert len(scripted.engine.requests) == 3
    assert scripted.engine.cancelled == 1
