"""Each setting of the panel changes the request that the engine receives, or what the page shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct


def set_and_ask(page: ChatPage, change: Callable[[Locator], None]) -> None:
    """Opens the panel, makes the change, confirms, asks."""
    page.settings_button.click()
    panel = page.page.get_by_role("dialog")
    expect(panel).to_be_visible()
    change(panel)
    panel.get_by_role("button", name="Save").click()
    expect(panel).to_have_count(0)
    page.ask("A question")
    page.finished()


def fill(label: str, value: str) -> Callable[[Locator], None]:
    return lambda panel: panel.get_by_label(label, exact=True).fill(value)


def toggle(name: str) -> Callable[[Locator], None]:
    return lambda panel: panel.locator(f"button#{name}[role=switch]").click()


def slide(name: str, key: str, times: int) -> Callable[[Locator], None]:
    def press(panel: Locator) -> None:
        thumb = panel.locator(f'[id="{name}"] [role=slider], [role=slider]').nth(0 if name == "temperature" else 1)
        thumb.focus()
        for _ in range(times):
            thumb.press(key)

    return press


def test_the_defaults_are_the_models_own(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    page.ask("A question")
    page.finished()
    [request] = scripted.engine.requests
    assert (request["model"], request["temperature"], request["top_p"], request["max_tokens"]) == (
        "scripted", 0.6, 0.95, 16384
    )  # fmt: skip
    assert request["stream"] is True
    assert "stop" not in request
    assert [message["role"] for message in request["messages"]] == ["user"]


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        (slide("temperature", "ArrowRight", 4), "temperature", 0.8),
        (slide("top_p", "ArrowLeft", 3), "top_p", 0.8),
        (fill("Maximum tokens", "123"), "max_tokens", 123),
        (fill("Maximum tokens", "99999999"), "max_tokens", 32768 - 100),
    ],
)
def test_a_number_reaches_the_engine_within_its_limits(
    scripted: ScriptedProduct, open_page: OpenPage, change: Callable[[Locator], None], key: str, value: float
) -> None:
    set_and_ask(open_page(scripted.url), change)
    assert scripted.engine.requests[-1][key] == pytest.approx(value, rel=0.01)


def test_stop_sequences_reach_the_engine_with_their_escapes(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    def change(panel: Locator) -> None:
        tags = panel.get_by_label("Stop sequences")
        for text in ("Answer:", "\\n\\n"):
            tags.fill(text)
            tags.press("Enter")

    set_and_ask(open_page(scripted.url), change)
    assert scripted.engine.requests[-1]["stop"] == ["Answer:", "\n\n"]


def test_the_system_prompt_comes_first(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    set_and_ask(open_page(scripted.url), fill("System prompt", "You are terse."))
    assert scripted.engine.requests[-1]["messages"][0] == {"role": "system", "content": "You are terse."}


def test_without_streaming_the_answer_comes_whole(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    scripted.engine.script = Script(reasoning=["so"], answer=["All at once."])
    set_and_ask(page, toggle("streaming"))
    assert scripted.engine.requests[-1]["stream"] is False
    expect(page.answers.last).to_contain_text("All at once.")
    expect(page.steps).to_have_count(1)


def test_without_thinking_only_the_answer_is_shown(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    scripted.engine.script = Script(reasoning=["so"] * 5, answer=["An answer."], rate=50)
    set_and_ask(page, toggle("show_thinking"))
    expect(page.answers.last).to_contain_text("An answer.")
    expect(page.steps).to_have_count(0)


def test_the_agents_name_is_the_assistants_name_in_the_page(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    set_and_ask(page, fill("Agent name", "小明 Kimi"))
    page.answers.last.locator("img").first.hover(force=True)
    expect(page.page.get_by_text("小明 Kimi").first).to_be_attached()


def test_each_position_of_the_thinking_switch_is_a_request_of_its_own(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    scripted.plan(engine="openai", model="Kimi-K2.5", pictures="data")
    page = open_page(scripted.url)
    page.ask("A question")
    page.finished()
    set_and_ask(page, toggle("thinking"))
    set_and_ask(page, slide("temperature", "ArrowLeft", 2))
    set_and_ask(page, toggle("thinking"))
    expect(page.answers).to_have_count(4)
    sent = [(request["temperature"], request.get("chat_template_kwargs")) for request in scripted.engine.requests]
    instant = {"thinking": False}
    # The temperature goes with the switch until a person has chosen one.
    assert sent == [
        (1.0, None), (pytest.approx(0.6), instant), (pytest.approx(0.5), instant), (pytest.approx(0.5), None)
    ]  # fmt: skip
    reopened = open_page(scripted.url)
    reopened.settings_button.click()
    expect(reopened.page.locator("button#thinking[role=switch]")).to_have_attribute("aria-checked", "true")


def test_a_model_without_the_switch_has_none_in_the_panel(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.plan(engine="openai", model="Kimi-K2-Thinking")
    page = open_page(scripted.url)
    page.settings_button.click()
    panel = page.page.get_by_role("dialog")
    expect(panel.locator("#show_thinking")).to_be_visible()
    expect(panel.locator("#thinking")).to_have_count(0)


def test_only_what_the_engine_serves_can_be_chosen(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    page.settings_button.click()
    page.page.get_by_role("dialog").get_by_role("combobox").click()
    expect(page.page.get_by_role("option")).to_have_count(1)
    expect(page.page.get_by_role("option")).to_contain_text("Kimi-VL A3B Thinking")
    page.page.keyboard.press("Escape")


def test_settings_stay_for_the_next_question(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    set_and_ask(page, fill("Maximum tokens", "55"))
    page.ask("Another")
    page.finished()
    values: list[Any] = [request["max_tokens"] for request in scripted.engine.requests]
    assert values == [55, 55]
