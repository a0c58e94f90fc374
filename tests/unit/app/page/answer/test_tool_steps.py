"""The steps that show calls: what of their arguments is sent to the page, and how often."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chainlit.context import ChainlitContext, context_var
from chainlit.emitter import BaseChainlitEmitter
from chainlit.session import HTTPSession

from app.page.answer import tool_steps
from app.page.answer.frame import Frame
from app.page.answer.tool_steps import ToolSteps
from app.talk.conversation import Answer
from app.talk.parts import MOST_ARGUMENT_CHARACTERS, ToolCall, ToolResult


class Page(BaseChainlitEmitter):
    """Remembers the arguments that it was sent."""

    def __init__(self, session: HTTPSession) -> None:
        super().__init__(session)
        self.sent: list[str] = []

    async def send_step(self, step_dict: Any) -> None:
        self.sent.append(step_dict["input"])

    async def update_step(self, step_dict: Any) -> None:
        self.sent.append(step_dict["input"])


@pytest.fixture
async def steps() -> ToolSteps:
    return ToolSteps(Frame("turn", "question", "en", "Kimi-VL"))


async def a_page() -> Page:
    session = HTTPSession(id="session", client_type="webapp", thread_id="thread", user=None, token=None, user_env=None)
    page = Page(session)
    context_var.set(ChainlitContext(page.session, page))
    return page


def shown(steps: ToolSteps, arguments: str) -> str:
    steps.restore(Answer([ToolCall("1", "a", arguments), ToolResult("1", "done")]))
    return str(steps.steps[0].input)


async def test_arguments_are_indented_unless_that_makes_them_swell(steps: ToolSteps) -> None:
    await a_page()
    assert shown(steps, '{"a": [1]}') == '{\n "a": [\n  1\n ]\n}'
    assert shown(steps, '{"a') == '{"a'
    deep = "[" * 900 + "]" * 900
    assert shown(steps, deep) == deep
    long = json.dumps({"text": "x" * 40_000})
    assert shown(steps, long) == f"{long[:8000]}\n… (8,000 / {len(long):,})"


async def test_a_call_that_forms_is_shown_now_and_then_by_its_end_and_in_full_once_it_is_complete(
    steps: ToolSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, call, now = await a_page(), ToolCall("1", "a", ""), 100.0
    monkeypatch.setattr(tool_steps, "monotonic", lambda: now)
    while len(call.arguments) < MOST_ARGUMENT_CHARACTERS:
        call.arguments += f"{len(call.arguments):010}" * 10
        await steps.called([call], forming=True)
        now += 1 / 64
    # 500 frames in 7.8 seconds.
    assert 10 <= len(page.sent) <= 18
    assert max(map(len, page.sent)) <= 2001
    assert page.sent[-1].startswith("…")
    await steps.called([call], forming=False)
    assert page.sent[-1].startswith("0000000000")
    assert page.sent[-1].endswith("(8,000 / 50,000)")
    assert len(steps.steps) == 1
