"""Presets in the page's header: what they send, personal settings that are remembered, and presets from files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_product import ScriptedProduct

MakePicture = Callable[[str, bytes], Path]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A separate page for this module: it remembers what is chosen in it."""
    with ScriptedProduct(tmp_path_factory.mktemp("presets") / "workspace") as product:
        yield product


@pytest.fixture
def preset(product: ScriptedProduct) -> ScriptedProduct:
    product.reset()
    return product


def choose(chat: ChatPage, name: str) -> None:
    """Chooses a preset for a new chat."""
    chat.page.get_by_label("What the chat is for").click()
    chat.page.get_by_role("option", name=name, exact=True).click()
    expect(chat.page.get_by_label("What the chat is for")).to_have_text(name)
    expect(chat.settings_button).to_be_visible()


def asked(product: ScriptedProduct) -> dict[str, Any]:
    return product.engine.requests[-1]


def test_a_preset_brings_its_settings_and_its_question(
    preset: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(preset.url)
    choose(chat, "Table → Markdown")
    expect(chat.page.locator("#welcome-screen")).to_contain_text("The tables in a picture as Markdown.")
    chat.ask("", [picture("a.png", png(shop_sign("TEA", "house")))])
    expect(chat.questions.last).to_contain_text("Parse the complete table")
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    system, question = asked(preset)["messages"]
    assert system["content"].startswith("\nTurn every table") or system["content"].startswith("Turn every table")
    assert question["content"][1]["text"].startswith("Parse the complete table")
    assert asked(preset)["temperature"] == 0


def test_a_presets_starter_brings_its_picture_and_takes_ones_own_instead(
    preset: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(preset.url)
    choose(chat, "Describe")
    chat.page.get_by_role("button", name="Describe a shop front").click()
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    expect(chat.questions.last.locator("img")).to_have_count(1)
    assert [part["type"] for part in asked(preset)["messages"][-1]["content"]] == ["image_url", "text"]
    sample = asked(preset)["messages"][-1]["content"][0]["image_url"]["url"]

    chat.page.locator("#new-chat-button").click()
    # More than a question may have: the first are taken.
    chat.attach(*(picture(f"{n}.png", png(shop_sign("MY", f"own {n}"))) for n in range(22)))
    expect(chat.page.locator("#attachments > *")).to_have_count(20)
    expect(chat.page.get_by_text("Left out: 20.png, 21.png.")).to_be_visible()
    chat.input.fill("These words stay.")
    chat.page.get_by_role("button", name="Describe a shop front").click()
    expect(chat.questions).to_have_count(1)
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    own = [part["image_url"]["url"] for part in asked(preset)["messages"][-1]["content"][:-1]]
    assert len(own) == 20
    assert sample not in own
    expect(chat.page.locator("#attachments > *")).to_have_count(0)
    expect(chat.input).to_have_value("These words stay.")
    chat.input.fill("")


def test_attached_files_and_typed_text_survive_choosing_a_preset(
    preset: ScriptedProduct, open_page: OpenPage, picture: MakePicture
) -> None:
    chat = open_page(preset.url)
    chat.attach(picture("a.png", png(shop_sign("TEA", "house"))))
    expect(chat.page.locator("#attachments > *")).to_have_count(1)
    chat.input.fill("And this?")
    choose(chat, "Describe")
    expect(chat.input).to_have_value("And this?")
    expect(chat.page.locator("#attachments > *")).to_have_count(1)
    chat.input.press("Enter")
    expect(chat.answers.last).to_contain_text("An answer.")
    assert [part["type"] for part in asked(preset)["messages"][-1]["content"]] == ["image_url", "text"]


def test_personal_settings_are_remembered_over_chats_and_restarts(preset: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(preset.url)
    choose(chat, "Receipt")
    chat.settings_button.click()
    dialog = chat.page.get_by_role("dialog")
    expect(dialog.locator("#system_prompt")).to_have_value(re.compile("Read receipts and invoices"))
    dialog.locator("#max_tokens").fill("77")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    chat.ask("Mine?")
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    assert asked(preset)["max_tokens"] == 77
    chat.close()

    preset.stop()
    preset.start()

    chat = open_page(preset.url)
    expect(chat.page.get_by_label("What the chat is for")).to_have_text("Receipt")
    chat.ask("And now?")
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    assert asked(preset)["max_tokens"] == 77
    assert "Read receipts" in asked(preset)["messages"][0]["content"]
    chat.page.locator("#new-chat-button").click()
    choose(chat, "Chat")
    chat.ask("Without?")
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    assert asked(preset)["max_tokens"] != 77
    assert [message["role"] for message in asked(preset)["messages"]] == ["user"]


def test_a_chat_that_is_opened_again_has_its_own_preset_and_settings(
    preset: ScriptedProduct, open_page: OpenPage
) -> None:
    chat = open_page(preset.url)
    choose(chat, "Describe")
    chat.ask("What was set here?")
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    chat.page.locator("#new-chat-button").click()
    choose(chat, "Chat")
    chat.page.locator('[id^="thread-"] a').filter(has_text="What was set here?").first.click()
    expect(chat.questions).to_have_count(1)
    expect(chat.page.get_by_label("What the chat is for")).to_have_text("Describe")
    expect(chat.answers.last.get_by_role("button", name="Regenerate")).to_have_count(1)
    chat.ask("And again?")
    expect(chat.answers).to_have_count(2)
    chat.finished()
    assert "Describe pictures for somebody" in asked(preset)["messages"][0]["content"]


def test_a_file_of_ones_own_is_a_preset(preset: ScriptedProduct, open_page: OpenPage) -> None:
    folder = preset.files.root / "presets"
    folder.mkdir()
    (folder / "pirate.toml").write_text(
        'name = { en = "Pirate", zh = "海盗" }\nicon = "think"\n[settings]\nsystem_prompt = "Speak like a pirate."\n'
    )
    (folder / "broken.toml").write_text("name = ")
    chat = open_page(preset.url, locale="zh-CN")
    chat.page.get_by_label("对话用途").click()
    chat.page.get_by_role("option", name="海盗").click()
    expect(chat.page.get_by_label("对话用途")).to_have_text("海盗")
    chat.ask("嗨")
    expect(chat.answers.last).to_contain_text("An answer.")
    chat.finished()
    assert asked(preset)["messages"][0] == {"role": "system", "content": "Speak like a pirate."}
    assert "broken.toml" in preset.log()
