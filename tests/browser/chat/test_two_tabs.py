"""One chat in several windows: changes in one appear in the others without a reload, and nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.chat.test_history import answered, edit, menu, thread_of
from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct


@pytest.fixture
def other_process(scripted: ScriptedProduct, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """Another web process on the same database."""
    url = f"sqlite:///{scripted.files.chats}"
    with ScriptedProduct(tmp_path_factory.mktemp("other") / "workspace", KIMI_DATABASE_URL=url) as product:
        yield product


def regenerated(chat: ChatPage, product: ScriptedProduct, answer: str) -> None:
    """Regenerates the last answer."""
    product.engine.script = Script(answer=[answer])
    chat.press("Regenerate")
    expect(chat.answers.last).to_contain_text(answer)
    chat.finished()


def test_windows_show_what_the_others_do_and_keep_all_answers(
    scripted: ScriptedProduct, other_process: ScriptedProduct, open_page: OpenPage
) -> None:
    one = open_page(scripted.url)
    answered(one, scripted, "What is it?", "The first.")
    thread = thread_of(one)
    two = open_page(f"{scripted.url}/thread/{thread}")
    three = open_page(f"{other_process.url}/thread/{thread}")
    windows = (one, two, three)
    for chat in windows:
        expect(chat.answers.last).to_contain_text("The first.")

    regenerated(one, scripted, "The second.")
    for chat in windows:
        expect(chat.answers).to_have_count(1)
        expect(chat.answers.last).to_contain_text("The second.")
        expect(chat.button("Earlier answer (1/2)")).to_be_visible()
    regenerated(three, other_process, "The third.")
    regenerated(two, scripted, "The fourth.")
    for chat in windows:
        expect(chat.answers.last).to_contain_text("The fourth.")
        expect(chat.button("Earlier answer (3/4)")).to_be_visible()

    answered(three, other_process, "And then?", "Then this.")
    for chat in windows:
        expect(chat.questions).to_have_text(["What is it?", "And then?"])
        expect(chat.answers.last).to_contain_text("Then this.")
    # The question of another window can be edited in this one, and the earlier version is within reach in both.
    edit(one, 1, "And now?")
    expect(one.questions).to_have_text(["What is it?", "And now?"])
    one.finished()
    expect(two.questions).to_have_text(["What is it?", "And then?"])
    two.button("Later question (2/2)").click()
    expect(two.questions).to_have_text(["What is it?", "And now?"])


def test_an_answer_that_is_being_given_in_one_window_grows_in_the_other(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    one = open_page(scripted.url)
    answered(one, scripted, "What is it?", "The first.")
    two = open_page(f"{scripted.url}/thread/{thread_of(one)}")
    expect(two.answers.last).to_contain_text("The first.")
    scripted.engine.script = Script(answer=["So ", "far ", "to ", "the end."], stall_after=3)
    one.ask("And then?")
    expect(one.answers.last).to_contain_text("So far to")
    expect(two.questions).to_have_text(["What is it?", "And then?"])
    expect(two.answers.last).to_contain_text("So far to")
    expect(two.page.get_by_text("was not answered")).to_have_count(0)
    scripted.thread.go()
    one.finished()
    expect(two.answers.last).to_contain_text("So far to the end.")
    expect(two.answers).to_have_count(2)


def test_a_chat_deleted_in_one_window_while_another_answers_stays_deleted(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    one = open_page(scripted.url)
    answered(one, scripted, "To be deleted while it is answered", "Yes.")
    thread = thread_of(one)
    elsewhere = open_page(scripted.url)
    scripted.engine.script = Script(answer=["So ", "far."], stall_after=1)
    one.ask("And then?")
    expect(one.answers.last).to_contain_text("So")
    entry = elsewhere.page.locator(f"#thread-{thread}")
    menu(entry, "Delete")
    elsewhere.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
    scripted.thread.go()
    one.finished()
    # A window with its URL begins another chat.
    third = open_page(f"{scripted.url}/thread/{thread}")
    answered(third, scripted, "Is it there?", "No.")
    expect(third.page).to_have_url(re.compile(r"/thread/(?!" + thread + ")"))
    elsewhere.page.reload()
    expect(elsewhere.settings_button).to_be_visible()
    expect(entry).to_have_count(0)
