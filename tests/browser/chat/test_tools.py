"""Calls of tools on the page: as steps, asked about, with pictures, after a reload; the servers are real."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from engine.config import ROOT
from engine.system.atomic_write import replace_json
from tests.browser.conftest import OpenPage
from tests.instruments import tool_server
from tests.instruments.ports import free_port
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct, wait_for

SERVERS = {"near": {"command": sys.executable, "args": [tool_server.__file__], "readOnlyUnasked": True}}


@pytest.fixture
def tooled(scripted: ScriptedProduct) -> Iterator[ScriptedProduct]:
    """The page beside the process that runs the tool servers."""
    port = free_port()
    files = scripted.files
    files.lock.touch()
    files.tool_servers.write_text(json.dumps({"mcpServers": SERVERS}))
    replace_json(files.tool_host, {"url": f"http://127.0.0.1:{port}"})
    environment = {"PATH": "/usr/bin:/bin", "KIMI_WORKSPACE": str(files.root)}
    argv = [sys.executable, "-m", "engine.tools", "--port", str(port)]
    with subprocess.Popen(argv, cwd=ROOT, env=environment) as host:
        wait_for(f"http://127.0.0.1:{port}/healthz", 60)
        scripted.plan(engine="vllm", model="Kimi-K2.5")
        yield scripted
        host.terminate()
        host.wait(20)
    files.tool_servers.unlink()


def test_a_tool_is_switched_on_asked_about_and_shown_with_its_picture(
    tooled: ScriptedProduct, open_page: OpenPage
) -> None:
    after = Script(answer=["Both ", "are here."])
    calls = (
        ("functions.near__shout:0", "near__shout", '{"te', 'xt": "hello"}'),
        ("functions.near__picture:1", "near__picture", "{}"),
    )
    tooled.engine.script = Script(reasoning=["I need a tool."], answer=["Let me look."], calls=calls, after=after)
    chat = open_page(tooled.url)
    chat.settings_button.click()
    panel = chat.page.get_by_role("dialog")
    expect(panel).to_contain_text("near__picture")
    panel.locator("#tools").click()
    panel.get_by_role("button", name="Save").click()
    chat.ask("What do you have?")
    question = chat.page.locator('[data-step-type="system_message"]').filter(has_text="near")
    expect(question).to_contain_text("hello")
    chat.page.get_by_role("button", name="Always in this chat").click()
    chat.finished()
    expect(question).to_have_count(0)
    expect(chat.answers.last).to_contain_text("Both are here.")
    *_, last = tooled.engine.requests
    assert [message["role"] for message in last["messages"]] == ["user", "assistant", "tool", "tool", "user"]
    assert last["messages"][2]["content"] == "HELLO"
    pictured = chat.page.locator("img[alt^='near__picture']")
    opened = chat.page.get_by_role("button", name="Tool: near__picture")
    opened.click()
    expect(pictured).to_be_visible()
    chat.page.reload()
    expect(chat.answers.last).to_contain_text("Both are here.")
    expect(chat.page.get_by_text("near__shout")).to_have_count(1)
    opened.click()
    expect(pictured).to_be_visible()
