"""Actions before the page is ready for them, on fast and slow connections.

Each test opens the page quickly, then delays its socket by 0, 300 or 1,500 ms each way. A short run uses 300 ms, and
all three for the deletion of the open chat, where each delay is a different race; `--long` runs all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat.test_history import MakePicture, answered, entries, menu, restart, thread_of
from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import Cable, ScriptedProduct


@pytest.fixture(scope="module")
def racing_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A separate page for this module: the tests restart it and check its list of chats."""
    with ScriptedProduct(tmp_path_factory.mktemp("races") / "workspace") as product:
        yield product


@pytest.fixture
def racing(racing_process: ScriptedProduct) -> ScriptedProduct:
    racing_process.reset()
    return racing_process


@pytest.fixture(params=[0, 300, 1500], ids=lambda ms: f"{ms}ms")
def each_slowness(request: pytest.FixtureRequest) -> float:
    """Seconds for each direction of the socket."""
    return float(request.param) / 1000


@pytest.fixture(
    params=[
        pytest.param(0, marks=pytest.mark.long),
        300,
        pytest.param(1500, marks=pytest.mark.long),
    ],
    ids=lambda ms: f"{ms}ms",
)
def slowness(request: pytest.FixtureRequest) -> float:
    """The same; one of them in a short run."""
    return float(request.param) / 1000


@pytest.fixture
def cable(racing: ScriptedProduct) -> Iterator[Cable]:
    with racing.cable(delay=0) as cable:
        yield cable


def settled(page: Page, slowness: float) -> None:
    """Waits until any late event would have arrived: only then does an undone choice show."""
    page.wait_for_timeout(700 + 3000 * slowness)


def test_the_chat_that_is_open_stays_deleted(
    racing: ScriptedProduct, cable: Cable, each_slowness: float, open_page: OpenPage
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "To be deleted", "Yes.")
    thread = thread_of(chat)
    cable.delay = each_slowness
    menu(chat.page.locator(f"#thread-{thread}"), "Delete")
    chat.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(chat.page.locator(f"#thread-{thread}")).to_have_count(0)
    settled(chat.page, each_slowness)
    expect(chat.page).to_have_url(f"{cable.url}/")
    expect(chat.questions).to_have_count(0)
    expect(chat.page.get_by_text("Couldn't resume")).to_have_count(0)
    answered(chat, racing, "Another chat", "Yes, another.")
    assert thread_of(chat) != thread
    assert [message["content"] for message in racing.engine.requests[-1]["messages"]] == ["Another chat"]


def test_a_question_asked_at_once_after_a_restart_is_answered(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "First?", "Yes, first.")
    thread_of(chat)
    cable.delay = slowness
    restart(racing)
    answered(chat, racing, "Second?", "Yes, second.")
    settled(chat.page, slowness)
    expect(chat.questions).to_have_text(["First?", "Second?"])
    expect(chat.answers.last).to_contain_text("Yes, second.")
    assert [message["content"] for message in racing.engine.requests[-1]["messages"]] == [
        "First?", "Yes, first.", "Second?",
    ]  # fmt: skip
    assert len(racing.engine.requests) == 2
    chat.errors.clear()  # the lost connection is one


def test_another_chat_chosen_at_once_after_asking_is_shown_and_the_question_is_kept(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "The other chat", "Yes, the other.")
    other = thread_of(chat)
    chat.page.locator("#new-chat-button").click()
    answered(chat, racing, "This chat", "Yes, this.")
    this = thread_of(chat)
    assert this != other
    cable.delay = slowness
    chat.ask("Asked and left")
    chat.page.locator(f"#thread-{other} a").click()
    expect(chat.questions).to_have_text(["The other chat"])
    settled(chat.page, slowness)
    expect(chat.questions).to_have_text(["The other chat"])
    assert thread_of(chat) == other
    answered(chat, racing, "And here?", "Yes, here.")
    assert [message["content"] for message in racing.engine.requests[-1]["messages"]] == [
        "The other chat", "Yes, the other.", "And here?",
    ]  # fmt: skip
    chat.page.locator(f"#thread-{this} a").click()
    expect(chat.questions).to_have_text(["This chat", "Asked and left"])


def test_a_new_chat_at_once_after_asking_is_empty_and_the_question_is_kept(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "The old chat", "Yes, old.")
    old = thread_of(chat)
    cable.delay = slowness
    chat.ask("Asked and left")
    chat.page.locator("#new-chat-button").click()
    expect(chat.questions).to_have_count(0)
    settled(chat.page, slowness)
    expect(chat.page).to_have_url(f"{cable.url}/")
    expect(chat.questions).to_have_count(0)
    answered(chat, racing, "And here?", "Yes, here.")
    assert [message["content"] for message in racing.engine.requests[-1]["messages"]] == ["And here?"]
    chat.page.locator(f"#thread-{old} a").click()
    expect(chat.questions).to_have_text(["The old chat", "Asked and left"])


def test_two_questions_sent_quickly_are_both_answered_in_their_order(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    racing.engine.script = Script(answer=["An answer."])
    chat = open_page(cable.url)
    cable.delay = slowness
    for question in ("One?", "Two?"):
        chat.input.fill(question)
        chat.input.press("Enter")
    expect(chat.answers).to_have_count(2)
    settled(chat.page, slowness)
    expect(chat.questions).to_have_text(["One?", "Two?"])
    assert [message["content"] for message in racing.engine.requests[-1]["messages"]] == [
        "One?", "An answer.", "Two?",
    ]  # fmt: skip
    expect(chat.stop_button).to_have_count(0)
    chat.page.reload()
    expect(chat.questions).to_have_text(["One?", "Two?"])


def test_an_answer_is_stopped_as_soon_as_there_is_a_stop_button(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    racing.engine.script = Script(answer=[f"word{n} " for n in range(5000)], rate=50)
    chat = open_page(cable.url)
    cable.delay = slowness
    chat.ask("Count!")
    chat.stop_button.click()
    chat.finished()
    expect(chat.answers.last).to_contain_text(re.compile(r"word|Stopped before the answer began"))
    settled(chat.page, slowness)
    expect(chat.stop_button).to_have_count(0)
    racing.engine.script = Script(answer=["Yes."])
    answered(chat, racing, "Still there?", "Yes.")
    expect(chat.questions).to_have_text(["Count!", "Still there?"])


def test_a_chat_is_renamed_while_it_opens(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    chat, thread = left_chat(racing, cable, open_page, "To be renamed")
    cable.delay = slowness
    entry = chat.page.locator(f"#thread-{thread}")
    entry.locator("a").click()
    menu(entry, "Rename")
    chat.page.get_by_role("dialog").get_by_role("textbox").fill("A new name")
    chat.page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(entry).to_contain_text("A new name")
    expect(chat.questions).to_have_text(["To be renamed"])
    settled(chat.page, slowness)
    expect(entry).to_contain_text("A new name")
    answered(chat, racing, "And now?", "Yes, now.")
    assert thread_of(chat) == thread
    chat.page.reload()
    expect(entry).to_contain_text("A new name")
    expect(chat.questions).to_have_text(["To be renamed", "And now?"])


def test_a_chat_is_deleted_while_it_opens(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    chat, thread = left_chat(racing, cable, open_page, "Deleted while it opens")
    cable.delay = slowness
    entry = chat.page.locator(f"#thread-{thread}")
    entry.locator("a").click()
    menu(entry, "Delete")
    chat.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
    settled(chat.page, slowness)
    expect(chat.page).to_have_url(f"{cable.url}/")
    expect(chat.questions).to_have_count(0)
    answered(chat, racing, "Another chat", "Yes, another.")
    assert thread_of(chat) != thread


def test_a_page_that_is_reloaded_while_it_answers_shows_the_whole_answer(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    racing.engine.script = Script(answer=[f"word{n} " for n in range(200)], rate=20)
    chat = open_page(cable.url)
    cable.delay = slowness
    chat.ask("Count!")
    expect(chat.page).to_have_url(re.compile("/thread/"))
    expect(chat.answers.last).to_contain_text("word3 ")
    chat.page.reload()
    expect(chat.answers.last).to_contain_text("word199")
    expect(chat.stop_button).to_have_count(0)
    words = re.findall(r"word(\d+)", chat.answers.last.inner_text())
    assert [int(word) for word in words] == list(range(200))
    expect(chat.questions).to_have_text(["Count!"])
    assert len(racing.engine.requests) == 1


def test_text_typed_while_the_first_question_gets_its_url_stays(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    racing.engine.script = Script(answer=["An answer."])
    chat = open_page(cable.url)
    cable.delay = slowness
    chat.ask("First?")
    chat.input.fill("typed meanwhile")
    expect(chat.page).to_have_url(re.compile("/thread/"))
    chat.finished()
    settled(chat.page, slowness)
    expect(chat.input).to_have_value("typed meanwhile")


def test_a_menu_opens_during_the_closing_of_the_one_before(
    racing: ScriptedProduct, cable: Cable, open_page: OpenPage
) -> None:
    chat, thread = left_chat(racing, cable, open_page, "With a menu")
    entry = chat.page.locator(f"#thread-{thread}")
    for _ in range(3):
        menu(entry, "Rename")
        chat.page.keyboard.press("Escape")
    expect(entries(chat.page).filter(has_text="With a menu").first).to_be_visible()


def test_a_question_sent_into_a_dead_connection_is_answered_after_it(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "First?", "Yes, first.")
    cable.delay = slowness
    racing.engine.script = Script(answer=["Yes, second."])
    cable.silence()
    chat.input.fill("Second?")
    chat.input.press("Enter")
    expect(chat.questions).to_have_count(2)
    cable.pull()
    chat.page.wait_for_timeout(500)
    cable.plug()
    expect(chat.answers.last).to_contain_text("Yes, second.")
    settled(chat.page, slowness)
    expect(chat.questions).to_have_text(["First?", "Second?"])
    assert len(racing.engine.requests) == 2
    chat.errors.clear()  # the lost connection is one


def test_a_file_that_was_attached_before_a_restart_is_sent_after_it(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "First?", "Yes, first.")
    thread_of(chat)
    chat.attach(picture("a.png", png(shop_sign("TEA", "house"))))
    expect(chat.page.locator("#attachments > *")).to_have_count(1)
    cable.delay = slowness
    restart(racing)
    answered(chat, racing, "And this?", "A tea house.")
    [image, words] = racing.engine.requests[-1]["messages"][-1]["content"]
    assert Path(image["image_url"]["url"].removeprefix("file://")).name.endswith(".png")
    assert words["text"] == "And this?"
    chat.errors.clear()  # the lost connection is one


def test_a_question_that_is_stopped_before_its_picture_is_read_is_kept(
    racing: ScriptedProduct, cable: Cable, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "First?", "Yes, first.")
    racing.files.plan.unlink()
    chat.ask("And this?", [picture("a.png", png(shop_sign("TEA", "house")))])
    chat.stop_button.click()
    racing.plan()
    expect(chat.answers.last).to_contain_text("This question was not answered")
    racing.engine.script = Script(answer=["A tea house."])
    chat.press("Retry")
    expect(chat.answers.last).to_contain_text("A tea house.")
    chat.finished()
    expect(chat.questions).to_have_text(["First?", re.compile("And this\\?$")])
    assert [part["type"] for part in racing.engine.requests[-1]["messages"][-1]["content"]] == ["image_url", "text"]


def test_a_draft_waits_in_its_chat_during_a_new_chat_and_a_reload(
    racing: ScriptedProduct, cable: Cable, slowness: float, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(cable.url)
    answered(chat, racing, "First?", "Yes, first.")
    first = thread_of(chat)
    chat.attach(picture("a.png", png(shop_sign("TEA", "house"))))
    attached = chat.page.locator("#attachments > *")
    expect(attached).to_have_count(1)
    chat.input.fill("And this?")
    cable.delay = slowness
    chat.page.locator("#new-chat-button").click()
    expect(chat.page).to_have_url(f"{cable.url}/")
    expect(chat.input).to_have_value("")
    expect(attached).to_have_count(0)
    answered(chat, racing, "Second?", "Yes, second.")
    chat.page.locator(f"#thread-{first} a").click()
    expect(chat.input).to_have_value("And this?")
    expect(attached).to_have_count(1)
    chat.page.reload()
    expect(chat.input).to_have_value("And this?")
    expect(attached).to_have_count(1)
    answered(chat, racing, "And this?", "A tea house.")
    message = racing.engine.requests[-1]["messages"][-1]
    assert [part["type"] for part in message["content"]] == ["image_url", "text"]
    assert thread_of(chat) == first


def left_chat(product: ScriptedProduct, cable: Cable, open_page: OpenPage, question: str) -> tuple[ChatPage, str]:
    """A page at a new chat, and the id of one that was asked this question and left."""
    chat = open_page(cable.url)
    answered(chat, product, question, "Yes.")
    thread = thread_of(chat)
    chat.page.locator("#new-chat-button").click()
    expect(chat.page).to_have_url(f"{cable.url}/")
    expect(chat.questions).to_have_count(0)
    return chat, thread
