"""A turn's view in Chainlit, on a page that handles events as Chainlit's front end does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from chainlit.context import ChainlitContext, context_var
from chainlit.emitter import BaseChainlitEmitter
from chainlit.session import HTTPSession

from app.page.answer.view import AnswerView
from app.talk.fitting import Fit
from app.talk.settings import ChatSettings
from engine.reasoning_tags import Kind, Piece


class Page(BaseChainlitEmitter):
    """The buttons that a browser has: the front end adds what it is sent, also twice, and removes by id."""

    def __init__(self, session: HTTPSession) -> None:
        super().__init__(session)
        self.away = False
        self.actions: list[dict[str, Any]] = []

    async def emit(self, event: str, data: Any) -> None:
        await asyncio.sleep(0)
        if self.away:
            return
        if event == "action":
            self.actions.append(data)
        elif event == "remove_action":
            self.actions = [action for action in self.actions if action["id"] != data["id"]]

    @property
    def buttons(self) -> list[str]:
        assert all(action["forId"] for action in self.actions)
        return [action["name"] for action in self.actions]


@pytest.fixture
async def page() -> Page:
    session = HTTPSession(id="session", client_type="webapp", thread_id="thread", user=None, token=None, user_env=None)
    return Page(session)


@pytest.fixture
async def view() -> AnswerView:
    return AnswerView("turn", "question", "en", "Kimi-VL")


@pytest.mark.parametrize("away", [True, False])
async def test_a_browser_that_comes_back_has_the_buttons_of_a_stalled_answer_once(
    page: Page, view: AnswerView, away: bool
) -> None:
    context_var.set(ChainlitContext(page.session, page))
    page.away = away
    await view.stalled(60)
    page.away = False
    await view.resend()
    assert page.buttons == ["keep_waiting", "stop_here"]
    await view.stalled(None)
    await view.resend()
    assert page.buttons == []


@pytest.mark.parametrize("away", [True, False])
async def test_a_browser_that_comes_back_has_answer_now_once(page: Page, view: AnswerView, away: bool) -> None:
    context_var.set(ChainlitContext(page.session, page))
    await view.asking(ChatSettings("model", 0.2, 1.0, 100), Fit([], 100), can_answer_now=True)
    page.away = away
    await view.show(Piece(Kind.REASONING, "so "))
    page.away = False
    await view.resend()
    assert page.buttons == ["answer_now"]
    await view.show(Piece(Kind.ANSWER, "An answer."))
    await view.resend()
    assert page.buttons == []


async def test_a_question_taken_back_while_it_is_sent_again_leaves_no_button(page: Page, view: AnswerView) -> None:
    context_var.set(ChainlitContext(page.session, page))
    await view.stalled(60)
    await asyncio.gather(view.resend(), view.stalled(None))
    assert page.buttons == []
