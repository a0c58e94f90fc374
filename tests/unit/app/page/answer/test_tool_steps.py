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
from app.page.answer.view import AnswerView
from app.talk.conversation import Answer, Turn
from app.talk.parts import MOST_ARGUMENT_CHARACTERS, ResultPicture, ToolCall, ToolResult
from app.tools.tool import Tool


class Page(BaseChainlitEmitter):
    """Remembers the arguments that it was sent."""

    def __init__(self, session: HTTPSession) -> None:
        super().__init__(session)
        self.sent: list[str] = []
        self.shown: list[Any] = []
        self.events: list[str] = []

    async def emit(self, event: str, data: Any) -> None:
        self.events.append(event)

    async def send_element(self, element_dict: Any) -> None:
        self.shown.append(element_dict)

    async def send_step(self, step_dict: Any) -> None:
        self.sent.append(step_dict.get("input", ""))

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


async def test_the_user_is_asked_about_all_of_the_arguments(steps: ToolSteps) -> None:
    page = await a_page()
    long = json.dumps({"text": "x" * 40_000, "last": "rm -rf"})
    await steps.ask(ToolCall("1", "a", long), {"a": Tool("a", "A", "", {}, server="near")})
    assert steps.question
    assert long in steps.question.content
    assert "within 30 minutes" in steps.question.content
    assert "chat_asks" in page.events


async def test_a_page_that_reconnects_gets_the_pictures_of_results_and_shows_them_once() -> None:
    page = await a_page()
    picture = ResultPicture("a" * 64 + ".png", "a 1", 8, 8)
    answer = Answer([ToolCall("1", "a", "{}"), ToolResult("1", "two", pictures=[picture, picture])])
    view = AnswerView("turn", "question", "en", "Kimi-VL")
    view.restore(Turn("turn", "?", answers=[answer], chosen=0), show_thinking=True)
    await view.resend()
    await view.resend()
    ids = [element["id"] for element in page.shown]
    assert len(ids) == 4
    assert len(set(ids)) == 2
