"""The history of chats: kept over a restart, searched, renamed, deleted, rated."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import uuid
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import socketio
from playwright.sync_api import Locator, Page, expect

from engine.plans.launch import EngineTraits
from tests.browser.access.test_safety import Caller
from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.postgres import binaries, running_postgres
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

MakePicture = Callable[[str, bytes], Path]


@pytest.fixture(scope="module")
def kept_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A separate page for this module: the tests restart it and check its list of chats."""
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


def answered(chat: ChatPage, product: ScriptedProduct, question: str, answer: str) -> None:
    """Asks and waits for the answer."""
    product.engine.script = Script(answer=[answer])
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


def test_the_open_chat_continues_after_a_restart(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "First?", "Yes, first.")
    thread_of(chat)
    restart(kept)
    # Asked at once: on a busy machine before the thread is open again.
    answered(chat, kept, "Second?", "Yes, second.")
    expect(chat.questions).to_have_count(2)
    assert [message["content"] for message in kept.engine.requests[-1]["messages"]] == [
        "First?", "Yes, first.", "Second?",
    ]  # fmt: skip
    expect(chat.answers.first.get_by_role("button", name="Regenerate")).to_have_count(1)
    chat.errors.clear()


def test_an_answer_that_the_end_of_the_page_cuts_off_is_kept_so_far(kept: ScriptedProduct, open_page: OpenPage) -> None:
    kept.engine.script = Script(reasoning=["So. "], answer=[f"word{n} " for n in range(5000)], rate=50)
    chat = open_page(kept.url)
    chat.ask("Count!")
    expect(chat.answers.last).to_contain_text("word20 ")
    expect(chat.page).to_have_url(re.compile("/thread/"))
    address = chat.page.url
    chat.close()
    restart(kept)
    chat = open_page(address)
    expect(chat.answers.last).to_contain_text("word0 word1 word2")
    expect(chat.notes.last).to_contain_text("stopped")
    kept.engine.script = Script(answer=["and so on."])
    chat.answers.last.get_by_role("button", name="Continue").click()
    expect(chat.answers.last).to_contain_text("and so on.")
    chat.finished()
    assert kept.engine.requests[-1]["messages"][-1]["content"].startswith("◁think▷So. ◁/think▷word0 word1 ")


def test_a_chat_is_searched_renamed_and_deleted_with_its_pictures(
    kept: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(kept.url)
    page = chat.page
    chat.attach(picture("a.png", png(shop_sign("ZEBRA", "crossing"))))
    answered(chat, kept, "Something to delete", "An okapi, it seems.")
    thread = thread_of(chat)
    assert len(list((kept.files.uploads / thread).iterdir())) == 1
    expect(page.locator(f"#thread-{thread}")).to_contain_text(" · a.png")

    page.keyboard.press("Control+k")
    page.get_by_placeholder("Search chats").fill("okapi")
    hits = page.get_by_role("option", name="Something to delete")
    expect(hits.filter(has_text="· An okapi, it seems.")).to_have_count(1)
    page.get_by_placeholder("Search chats").fill("no such words")
    expect(page.get_by_text("No chat contains this.")).to_be_visible()
    expect(hits).to_have_count(0)
    page.keyboard.press("Escape")

    entry = page.locator(f"#thread-{thread}")
    menu(entry, "Rename")
    page.get_by_role("dialog").get_by_role("textbox").fill("My okapi")
    page.get_by_role("dialog").get_by_role("textbox").press("Enter")
    expect(entry).to_contain_text("My okapi")
    menu(entry, "Pin")
    groups = page.locator("#thread-history [data-sidebar=group]")
    expect(groups.first).to_contain_text(re.compile("^Pinned.*My okapi"))
    page.reload()
    expect(groups.first).to_contain_text(re.compile("^Pinned.*My okapi"))
    expect(entry).to_contain_text(" · a.png")
    entry.locator("a").press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("menuitem", name="Unpin").click()
    expect(page.locator("#thread-history")).not_to_contain_text("Pinned")
    expect(entry).to_contain_text("My okapi")

    menu(entry, "Delete")
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(entry).to_have_count(0)
    expect(chat.questions).to_have_count(0)
    assert not (kept.files.uploads / thread).exists()
    page.reload()
    expect(chat.settings_button).to_be_visible()
    expect(entry).to_have_count(0)


def menu(entry: Locator, item: str) -> None:
    """Chooses an item of a chat's menu."""
    # A menu opened while the last one, or its dialog, is closing is closed with it.
    expect(entry.page.locator("[role=menu], [role=dialog], [role=alertdialog]")).to_have_count(0)
    entry.hover()
    entry.locator("#thread-options").click()
    entry.page.get_by_role("menuitem", name=item).click()


def test_the_model_names_a_chat_after_its_first_answer_and_no_later_one(
    kept: ScriptedProduct, open_page: OpenPage
) -> None:
    kept.plan(model="Kimi-VL-A3B-Instruct", traits=EngineTraits(side_requests=True))
    chat = open_page(kept.url)
    # The scripted engine's title is what it answers to everything.
    answered(chat, kept, "How much is it?", "Prices of tea")
    thread = thread_of(chat)
    entry = chat.page.locator(f"#thread-{thread}")
    expect(entry).to_contain_text("Prices of tea")
    expect(chat.questions).to_have_count(1)
    answered(chat, kept, "And since when?", "Since 1987.")
    assert thread_of(chat) == thread
    expect(entry).to_contain_text("Prices of tea")
    assert len(kept.engine.requests) == 3


def test_feedback_belongs_to_the_answer_it_was_given_to(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "Rate me", "The first answer.")
    chat.answers.last.get_by_role("button", name="Helpful", exact=True).click()
    chat.page.get_by_role("dialog").get_by_role("textbox").fill("well said")
    chat.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    good = chat.answers.last.locator(".positive-feedback-on")
    expect(good).to_have_count(1)
    kept.engine.script = Script(answer=["The second answer."])
    chat.answers.last.get_by_role("button", name="Regenerate").click()
    expect(chat.answers.last).to_contain_text("The second answer.")
    chat.finished()
    expect(good).to_have_count(0)
    chat.answers.last.get_by_role("button", name="Earlier answer").click()
    expect(good).to_have_count(1)
    expect(chat.page).to_have_url(re.compile("/thread/"))
    address = chat.page.url
    chat.close()
    restart(kept)
    chat = open_page(address)
    expect(chat.answers.last).to_contain_text("The first answer.")
    good = chat.answers.last.locator(".positive-feedback-on")
    expect(good).to_have_count(1)
    good.click()
    expect(good).to_have_count(0)
    chat.page.reload()
    expect(chat.answers.last).to_contain_text("The first answer.")
    expect(chat.answers.last.locator(".positive-feedback-off")).to_have_count(1)


def test_an_edited_question_keeps_its_earlier_branch(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "First?", "One.")
    answered(chat, kept, "Second?", "Two.")
    answered(chat, kept, "Third?", "Three.")
    kept.engine.script = Script(answer=["Two, changed."])
    edit(chat, 1, "Second, changed?")
    expect(chat.answers.last).to_contain_text("Two, changed.")
    chat.finished()
    expect(chat.questions).to_have_count(2)
    assert [message["content"] for message in kept.engine.requests[-1]["messages"]] == [
        "First?", "One.", "Second, changed?",
    ]  # fmt: skip

    chat.answers.last.get_by_role("button", name="Earlier question (1/2)").click()
    expect(chat.questions).to_have_text(["First?", "Second?", "Third?"])
    expect(chat.answers.last).to_contain_text("Three.")
    answered(chat, kept, "Fourth?", "Four.")
    assert [message["content"] for message in kept.engine.requests[-1]["messages"]][2:] == [
        "Second?", "Two.", "Third?", "Three.", "Fourth?",
    ]  # fmt: skip
    expect(chat.page).to_have_url(re.compile("/thread/"))
    address = chat.page.url
    chat.close()

    restart(kept)

    chat = open_page(address)
    expect(chat.questions).to_have_text(["First?", "Second?", "Third?", "Fourth?"])
    chat.answers.nth(1).get_by_role("button", name="Later question (2/2)").click()
    expect(chat.questions).to_have_text(["First?", "Second, changed?"])
    expect(chat.answers.last).to_contain_text("Two, changed.")
    answered(chat, kept, "Fifth?", "Five.")
    edit(chat, 0, "First, changed?")
    expect(chat.questions).to_have_count(1)
    chat.finished()
    expect(chat.answers).to_have_count(1)
    expect(chat.answers.last.get_by_role("button", name="Earlier question (1/2)")).to_have_count(1)

    chat.page.locator("#new-chat-button").click()
    expect(chat.questions).to_have_count(0)
    chat.page.keyboard.press("Control+k")
    chat.page.get_by_placeholder("Search chats").fill("Fourth?")
    chat.page.get_by_role("option").filter(has_text="Fourth?").click()
    expect(chat.page.get_by_text("The words are in an earlier version of a question.")).to_be_visible()
    expect(chat.questions).to_have_text(["First, changed?"])


def edit(chat: ChatPage, number: int, words: str) -> None:
    """Edits a question."""
    question = chat.questions.nth(number)
    question.hover()
    question.get_by_role("button", name="Edit this question").click()
    question.locator("#edit-chat-input").fill(words)
    question.locator(".confirm-edit").click()


def test_a_failed_write_is_reported_on_the_page_and_in_the_log(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "Before?", "Yes.")
    thread = thread_of(chat)
    with contextlib.closing(sqlite3.connect(kept.files.chats)) as database:
        database.execute("ALTER TABLE turns RENAME TO turns_away")
        answered(chat, kept, "During?", "Yes, during.")
        expect(chat.page.get_by_text("This chat cannot be saved at the moment")).to_have_count(1)
        answered(chat, kept, "Still?", "Yes, still.")
        expect(chat.page.get_by_text("This chat cannot be saved at the moment")).to_have_count(1)
        assert "ERROR app.history: a chat could not be saved" in kept.log()
        database.execute("ALTER TABLE turns_away RENAME TO turns")
    answered(chat, kept, "After?", "Yes, after.")
    chat.close()
    chat = open_page(f"{kept.url}/thread/{thread}")
    expect(chat.questions).to_have_text(["Before?", "During?", "Still?", "After?"])
    expect(chat.answers.nth(2)).to_contain_text("Yes, still.")


def test_a_chat_that_was_deleted_in_another_window_stays_deleted(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "To be deleted elsewhere", "Yes.")
    thread = thread_of(chat)
    elsewhere = open_page(kept.url)
    menu(elsewhere.page.locator(f"#thread-{thread}"), "Delete")
    elsewhere.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(elsewhere.page.locator(f"#thread-{thread}")).to_have_count(0)
    asked = len(kept.engine.requests)
    chat.ask("Are you there?")
    expect(chat.page.get_by_text("This chat has been deleted")).to_be_visible()
    chat.finished()
    assert len(kept.engine.requests) == asked
    elsewhere.page.reload()
    expect(elsewhere.settings_button).to_be_visible()
    expect(elsewhere.page.locator(f"#thread-{thread}")).to_have_count(0)


def test_a_chat_is_exported_and_imported_again(
    kept: ScriptedProduct, open_page: OpenPage, picture: MakePicture, tmp_path: Path
) -> None:
    chat = open_page(kept.url)
    chat.attach(picture("店 1.png", png(shop_sign("TEA", "house"))))
    answered(chat, kept, "To be saved", "A tea house.")
    thread = thread_of(chat)
    entry = chat.page.locator(f"#thread-{thread}")
    with chat.page.expect_download() as markdown:
        menu(entry, "Save as Markdown")
    with zipfile.ZipFile(markdown.value.path()) as folder:
        assert "A tea house." in folder.read("chat.md").decode()
        assert folder.namelist() == ["chat.md", "pictures/01-店 1.png"]
    assert markdown.value.suggested_filename == "To be saved.zip"
    with chat.page.expect_download() as saved:
        menu(entry, "Save as JSON")
    file = tmp_path / "saved.json"
    saved.value.save_as(file)

    with chat.page.expect_file_chooser() as chooser:
        chat.page.get_by_role("button", name="Open a saved chat").click()
    chooser.value.set_files(file)
    expect(chat.page).not_to_have_url(re.compile(thread))
    assert thread_of(chat) != thread
    expect(chat.answers.last).to_contain_text("A tea house.")
    shown = chat.questions.first.locator("img")
    assert shown.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    expect(entries(chat.page).filter(has_text="To be saved")).to_have_count(2)

    file.write_text("{}")
    with chat.page.expect_file_chooser() as chooser:
        chat.page.get_by_role("button", name="Open a saved chat").click()
    chooser.value.set_files(file)
    expect(chat.page.get_by_text("This file is not a chat")).to_be_visible()
    chat.errors.clear()  # the browser's own, about the refusal


def test_a_long_answer_can_be_downloaded(kept: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(kept.url)
    long = "# Title\n\n" + "word:word " * 400
    answered(chat, kept, "Short?", "Short.")
    expect(chat.answers.last.get_by_role("button", name="Download")).to_have_count(0)
    kept.engine.script = Script(answer=[long])
    chat.ask("Long?")
    chat.finished()
    with chat.page.expect_download() as download:
        chat.answers.last.get_by_role("button", name="Download").click()
    assert download.value.path().read_text() == long


def test_pictures_that_were_deleted_after_their_time_are_missed_with_a_word(
    kept: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(kept.url)
    chat.attach(picture("a.png", png(shop_sign("OLD", "news"))))
    answered(chat, kept, "An old picture", "Yes.")
    thread = thread_of(chat)
    chat.close()
    for file in (kept.files.uploads / thread).iterdir():
        file.unlink()
    chat = open_page(f"{kept.url}/thread/{thread}")
    expect(chat.page.get_by_text("Expired and deleted: 1 picture(s)")).to_be_visible()
    answered(chat, kept, "And now?", "Still here.")
    assert kept.engine.requests[-1]["messages"][0]["content"] == "An old picture"


@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed; on Debian: apt-get install postgresql")
def test_chats_are_kept_in_postgresql_too(open_page: OpenPage, picture: MakePicture, tmp_path: Path) -> None:
    programs = binaries()
    assert programs
    with (
        running_postgres(programs) as postgres,
        ScriptedProduct(tmp_path / "workspace", KIMI_DATABASE_URL=postgres.create()) as product,
    ):
        chat = open_page(product.url)
        chat.attach(picture("a.png", png(shop_sign("TEA", "house"))))
        answered(chat, product, "Kept elsewhere?", "Yes, elsewhere.")
        thread = thread_of(chat)
        chat.close()
        restart(product)
        chat = open_page(product.url)
        entries(chat.page).filter(has_text="Kept elsewhere?").click()
        expect(chat.answers.last).to_contain_text("Yes, elsewhere.")
        expect(chat.questions.last.locator("img")).to_have_count(1)
        menu(chat.page.locator(f"#thread-{thread}"), "Delete")
        chat.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
        expect(entries(chat.page)).to_have_count(0)
        chat.close()
        assert not product.files.chats.exists()
        assert not (product.files.uploads / thread).exists()


def test_a_question_that_comes_before_its_thread_is_open_is_asked_in_it(
    kept: ScriptedProduct, open_page: OpenPage
) -> None:
    chat = open_page(kept.url)
    answered(chat, kept, "Before?", "Yes, before.")
    thread = thread_of(chat)
    chat.close()
    restart(kept)
    cookie = Caller(kept).sign_in().cookie

    async def ask() -> None:
        async with socketio.AsyncSimpleClient() as client:
            hello = {"sessionId": str(uuid.uuid4()), "threadId": thread, "clientType": "webapp", "userEnv": "{}"}
            await client.connect(kept.url, socketio_path="/ws/socket.io", auth=hello, headers={"Cookie": cookie})
            now = datetime.now(UTC).isoformat()
            message = {"id": str(uuid.uuid4()), "type": "user_message", "output": "After?", "createdAt": now}
            await client.emit("client_message", {"message": message, "fileReferences": []})
            while (await client.receive(timeout=60))[0] != "task_end":
                pass

    # In a thread of its own: the synchronous Playwright has an event loop running in this one.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(lambda: asyncio.run(ask())).result()
    assert [message["content"] for message in kept.engine.requests[-1]["messages"]] == [
        "Before?", "Yes, before.", "After?",
    ]  # fmt: skip


def test_a_new_chat_on_a_phone_has_its_address_and_the_first_tap_opens_the_list(
    kept: ScriptedProduct, open_page: OpenPage
) -> None:
    chat = open_page(kept.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    answered(chat, kept, "Asked on a phone", "Seen.")
    expect(chat.page).to_have_url(re.compile("/thread/"))
    thread = thread_of(chat)
    chat.page.locator("#sidebar-trigger-button").tap()
    expect(chat.page.locator(f"#thread-{thread}")).to_be_visible()
    chat.page.reload()
    expect(chat.answers.last).to_contain_text("Seen.")
