"""A chat that is left while it is answered: the answer goes on, is marked, and is announced when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from chainlit.server import sio

from app.history.store import History
from app.i18n import text
from app.page import left_chats
from app.page.incoming import arrivals
from app.page.live_chats import MOST_IN_BACKGROUND, adopt, all_sessions, chat_of, in_background, owner_of
from app.turn import run as turns
from app.turn.consent import Consent
from app.turn.tooling import Tooling
from tests.unit.app.page.asking.test_questions import Desk, desk, until, url
from tests.unit.app.sessions import Session

__all__ = ["desk", "url"]


@pytest.fixture(autouse=True)
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The sockets that are connected."""
    connected: set[str] = set()
    monkeypatch.setattr(sio.manager, "is_connected", lambda sid, _: sid in connected)
    monkeypatch.setattr(left_chats, "_LOOK_SECONDS", 0.05)
    yield connected
    assert not in_background("anna\0")


async def window(desk: Desk, there: set[str], thread_id: str | None = None) -> Session:
    """Another window of the person's."""
    user = desk.session.user
    assert user
    session = Session(str(getattr(user, "id", "")), user.identifier, thread_id)
    there.add(session.socket_id)
    return session


async def left(desk: Desk, there: set[str], *questions: str) -> Session:
    """Asks, waits until the first question is with the engine, and turns to a new chat, whose window this is."""
    for words in questions:
        await desk.ask(words)
    await until(lambda: desk.asked)
    after = await window(desk, there)
    await desk.leave()
    return after


async def test_an_answer_goes_on_and_is_announced(desk: Desk, there: set[str]) -> None:
    thread = desk.session.thread_id
    after = await left(desk, there, "one", "two")
    await until(lambda: after.heard("chat_marks") == [{"writing": [thread], "asking": [], "done": {}}])
    # A login that ends stops it, since its session is still known.
    assert desk.session in all_sessions()
    desk.free.set()
    await until(lambda: after.heard("answer_done"))
    assert after.heard("answer_done") == [{"id": thread, "name": "one", "failed": False}]
    await until(lambda: after.heard("chat_marks")[-1] == {"writing": [], "asking": [], "done": {thread: False}})
    assert [turn.answers[0].text for turn in await desk.kept()] == ["one indeed.", "two indeed."]
    await until(lambda: desk.session not in all_sessions())
    # Looked at, in any window, it is no longer marked.
    opened = await window(desk, there, thread)
    await desk.left.opened(opened)
    assert after.heard("chat_marks")[-1] == opened.heard("chat_marks")[-1] == {"writing": [], "asking": [], "done": {}}


async def test_a_chat_whose_tool_waits_for_the_user_is_marked_and_says_so(desk: Desk, there: set[str]) -> None:
    thread = desk.session.thread_id
    after = await left(desk, there, "one")
    consent = Consent()
    assert desk.chat.job
    desk.chat.job.tooling = Tooling(Mock(), consent, Mock())
    asked = asyncio.create_task(consent.wait("1", "near__echo"))
    await until(lambda: after.heard("chat_asks"))
    assert after.heard("chat_asks") == [{"id": thread, "name": "one"}]
    assert after.heard("chat_marks")[-1] == {"writing": [thread], "asking": [thread], "done": {}}
    consent.decide("1", "refuse")
    assert not await asked
    await until(lambda: after.heard("chat_marks")[-1] == {"writing": [thread], "asking": [], "done": {}})
    desk.free.set()
    await until(lambda: desk.session not in all_sessions())


async def test_an_answer_that_fails_says_so(desk: Desk, there: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> None:
        desk.asked.append("one")
        await desk.free.wait()
        raise ConnectionError

    monkeypatch.setattr(turns, "run", broken)
    after = await left(desk, there, "one")
    desk.free.set()
    await until(lambda: after.heard("answer_done"))
    assert [notice["failed"] for notice in after.heard("answer_done")] == [True]


async def test_without_any_window_it_is_stopped(desk: Desk, there: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left_chats, "GRACE_SECONDS", 0.2)
    after = await left(desk, there, "one", "two")
    await asyncio.sleep(0.5)
    assert desk.chat.tasks
    there.clear()
    await until(lambda: not desk.chat.tasks)
    assert [[answer.ending for answer in turn.answers] for turn in await desk.kept()] == [["stopped"], []]
    assert after.heard("answer_done") == []


async def test_a_page_that_comes_back_has_the_answer_again_and_stop_ends_it(desk: Desk, there: set[str]) -> None:
    after = await left(desk, there, "one")
    # Stop in the window ends what it shows, and this is not it.
    await arrivals.stop(after.socket_id)
    assert desk.chat.tasks
    chat = desk.chat
    back = await window(desk, there, desk.session.thread_id)
    adopt(back, lambda session: session.socket_id in there)
    assert chat_of(back) is chat
    await desk.left.opened(back)
    assert after.heard("chat_marks")[-1] == {"writing": [], "asking": [], "done": {}}
    await arrivals.stop(back.socket_id)
    await until(lambda: not chat.tasks and desk.session not in all_sessions())
    assert chat.ended == "stopped"
    assert after.heard("answer_done") == back.heard("answer_done") == []


async def test_a_chat_that_another_window_shows_needs_no_notice(desk: Desk, there: set[str]) -> None:
    other = await window(desk, there, desk.session.thread_id)
    after = await left(desk, there, "one")
    desk.free.set()
    await until(lambda: desk.session not in all_sessions())
    assert after.heard("answer_done") == other.heard("answer_done") == []
    assert after.heard("chat_marks")[-1] == {"writing": [], "asking": [], "done": {}}


async def test_only_so_many_chats_are_answered_in_the_background(
    desk: Desk, there: set[str], monkeypatch: pytest.MonkeyPatch, history: History
) -> None:
    monkeypatch.setattr(arrivals, "MOST_IN_BACKGROUND", 1)
    assert MOST_IN_BACKGROUND > 1
    after = await left(desk, there, "one")
    assert in_background(owner_of(after)) == [desk.session]
    payload: Any = {"message": {"id": "x", "output": "two"}, "fileReferences": None}
    await arrivals._begin(after, payload, "x")
    [refusal] = after.heard("new_message")
    assert refusal["output"] == text("too_many_answers", "en", most=1)
    assert not chat_of(after).tasks
    desk.free.set()
    await until(lambda: desk.session not in all_sessions())
    await arrivals._begin(after, payload, "x")
    assert chat_of(after).tasks
    await until(lambda: not chat_of(after).tasks)
