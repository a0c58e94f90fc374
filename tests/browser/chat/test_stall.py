"""An engine that goes silent in the middle of an answer: a line asks what to do, and disappears when tokens arrive."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """A page that asks after two seconds of silence."""
    workspace = tmp_path_factory.mktemp("impatient") / "workspace"
    with ScriptedProduct(workspace, KIMI_IDLE_SECONDS="2", KIMI_FIRST_TOKEN_SECONDS="3") as product:
        yield product


def test_a_silent_engine_can_be_waited_for_and_stopped(impatient: ScriptedProduct, open_page: OpenPage) -> None:
    view = {"locale": "zh-CN", "color_scheme": "dark", "viewport": {"width": 390, "height": 844}}
    impatient.engine.script = Script(answer=["招牌上写着", "“茶馆”。"], stall_after=1)
    chat = open_page(impatient.url, **view)
    line = chat.page.locator('[data-step-type="system_message"]').filter(
        has_text=re.compile(r"引擎已 \d+ 秒没有任何输出")
    )
    chat.ask("招牌上写着什么？")
    expect(line).to_be_visible()
    assert chat.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # The choice to wait hides the question, but not for ever, and does not end the wait.
    chat.page.get_by_role("button", name="继续等待").click()
    expect(line).to_have_count(0)
    expect(chat.stop_button).to_be_visible()
    expect(line).to_be_visible()
    # New tokens hide it, too.
    impatient.thread.go()
    chat.finished()
    expect(chat.answers.last).to_contain_text("招牌上写着“茶馆”。")
    expect(line).to_have_count(0)
    impatient.reset()
    impatient.engine.script = Script(answer=["招牌上写着", "“茶馆”。"], stall_after=1)
    chat.ask("再看一次？")
    chat.page.get_by_role("button", name="停止并保留已有回答").click()
    chat.finished()
    expect(line).to_have_count(0)
    expect(chat.answers.last).to_contain_text("招牌上写着")
    impatient.wait(lambda engine: engine.cancelled == 1, 60)
    impatient.reset()
    impatient.engine.script = Script(answer=["“茶馆”。"])
    chat.press("继续")
    chat.finished()
    expect(chat.answers.last).to_contain_text("招牌上写着“茶馆”。")
