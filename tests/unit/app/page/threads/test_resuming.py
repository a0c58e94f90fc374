"""Which turns of a chat are sent to the page: the last screen, the ones before it, and another branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from chainlit.context import ChainlitContext, context_var
from chainlit.emitter import BaseChainlitEmitter
from chainlit.session import HTTPSession, WebsocketSession

from app.page.answer.frame import NOTE
from app.page.chat import Chat
from app.page.threads import resuming
from app.talk.conversation import Answer, Conversation, Turn
from app.talk.figures import Figures
from tests.instruments.answers import parts_of

MOST, _ = resuming.SCREEN


class Page(BaseChainlitEmitter):
    """A page that remembers what it is sent."""

    def __init__(self, session: HTTPSession) -> None:
        super().__init__(session)
        self.sent: list[tuple[str, Any]] = []

    async def emit(self, event: str, data: Any) -> None:
        self.sent.append((event, data))


def _session() -> HTTPSession:
    return HTTPSession(id="session", client_type="webapp", thread_id="thread", user=None, token=None, user_env=None)


@pytest.fixture
async def page() -> Page:
    return Page(_session())


def _chat(count: int, words: int = 3) -> Chat:
    answers = [Answer(parts_of(text="a" * words)) for _ in range(count)]
    turns = [
        Turn(f"t{n}", f"q{n}", answers=[answers[n]], chosen=0, parent=f"t{n - 1}" if n else "", asked=n)
        for n in range(count)
    ]
    return Chat("en", Conversation(turns))


def _questions(page: dict[str, Any]) -> list[str]:
    return [step["output"] for step in page["steps"] if step["type"] == "user_message"]


def _numbers(numbers: Sequence[int]) -> list[str]:
    return [f"q{n}" for n in numbers]


async def _resumed(page: Page, chat: Chat, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    async def loaded(*args: object) -> None:
        """It is in memory already."""

    monkeypatch.setattr(resuming, "load", loaded)
    context_var.set(ChainlitContext(page.session, page))
    thread: Any = {"id": "thread"}
    await resuming.resume(cast("Any", _Kept()), _websocket(page), chat, thread, "Kimi-VL")
    return cast("dict[str, Any]", thread)


class _Kept:
    """The history, which has the thread."""

    async def has_thread_of(self, session: object) -> bool:
        return True


def _websocket(page: Page) -> WebsocketSession:
    # Only attributes that both kinds of session have are used.
    return cast("WebsocketSession", page.session)


async def test_a_long_chat_is_resumed_with_its_last_turns_and_their_buttons(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = _chat(1000)
    thread = await _resumed(page, chat, monkeypatch)
    assert _questions(thread) == _numbers(range(1000 - MOST, 1000))
    assert (thread["earlier"], thread["goes_on"]) == (1000 - MOST, False)
    assert set(chat.views) == {f"t{n}" for n in range(1000 - MOST, 1000)}
    answers = [step["id"] for step in thread["steps"] if step["type"] == "assistant_message"]
    assert [action["forId"] for action in thread["actions"] if action["name"] == "regenerate"] == answers

    again = await _resumed(page, chat, monkeypatch)
    assert again["goes_on"], "the page has these views, and may keep what is above them"
    assert [step["id"] for step in again["steps"]] == [step["id"] for step in thread["steps"]]


async def test_of_long_turns_a_page_gets_fewer_but_always_one(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _questions(await _resumed(page, _chat(20, 30_000), monkeypatch)) == _numbers(range(17, 20))
    assert _questions(await _resumed(page, _chat(20, 300_000), monkeypatch)) == ["q19"]
    assert _questions(await _resumed(page, _chat(0), monkeypatch)) == []


async def test_the_turns_before_one_are_sent_until_there_are_none(page: Page) -> None:
    context_var.set(ChainlitContext(page.session, page))
    chat = _chat(2 * MOST + 5)
    for first, expected in ((MOST + 5, range(5, MOST + 5)), (5, range(5)), (0, range(0))):
        await resuming.show_earlier(_websocket(page), chat, f"t{first}", "Kimi-VL")
        event, sent = page.sent[-1]
        assert (event, sent["before"]) == ("earlier_turns", f"t{first}")
        assert _questions(sent) == _numbers(expected)
        assert sent["earlier"] == max(0, first - MOST)
    await resuming.show_earlier(_websocket(page), chat, "no such question", "Kimi-VL")
    assert page.sent[-1][1]["steps"] == []


async def test_a_branch_is_shown_from_the_question_before_it_or_by_its_end_if_it_is_long(page: Page) -> None:
    context_var.set(ChainlitContext(page.session, page))
    chat = _chat(1000)
    await resuming.show_branch(_websocket(page), chat, chat.conversation.turns[900], "Kimi-VL")
    event, sent = page.sent[-1]
    assert (event, sent["goes_on"]) == ("resume_thread", True)
    assert _questions(sent) == _numbers(range(899, 1000))
    await resuming.show_branch(_websocket(page), chat, chat.conversation.turns[0], "Kimi-VL")
    assert _questions(page.sent[-1][1]) == _numbers(range(1000 - MOST, 1000))


def _lines(page: dict[str, Any]) -> list[str]:
    return [step["name"] for step in page["steps"] if step["type"] == NOTE]


async def test_the_line_below_an_answer_follows_the_language_of_the_page(page: Page) -> None:
    context_var.set(ChainlitContext(page.session, page))
    chat = _chat(2)
    first, second = (turn.answers[0] for turn in chat.conversation.turns)
    first.ending, first.figures = "length", Figures("kimi", 0.5)
    second.ending, second.line = "stop", "kimi · 3 tokens"
    # The same chat, reopened by a browser that is now set to Chinese.
    again = Chat("zh", chat.conversation)
    shown = [
        _lines(resuming.page_of(_websocket(page), each, each.conversation.turns, "Kimi")) for each in (chat, again)
    ]
    assert shown == [
        ["token limit reached · kimi · first token 0.50 s", "kimi · 3 tokens"],
        ["已达到最大词元数 · kimi · 首个词元 0.50 秒", "kimi · 3 tokens"],
    ]
