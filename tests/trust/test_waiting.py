"""Questions behind a running one: a few wait, Stop ends the visible one, a closed window leaves nothing running."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from typing import Any

from app.page.chat import MOST_CHARACTERS, MOST_WAITING
from app.talk.settings import MAX_STORED_BYTES
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor, errors, shown

HELD = Script(hold=True)


def asked(page: ScriptedProduct) -> list[Any]:
    """The last question of each request to the engine."""
    return [request["messages"][-1]["content"] for request in page.engine.requests]


async def hold(visitor: Visitor, page: ScriptedProduct, text: str = "first") -> None:
    """Asks, and waits until the engine holds the question."""
    page.engine.script = HELD
    await visitor.start(text)
    await asyncio.to_thread(page.wait, lambda engine: bool(engine.requests), 30)


async def test_ten_questions_wait_and_the_next_is_rejected_with_a_sentence(
    visitor: Visitor, page: ScriptedProduct
) -> None:
    await hold(visitor, page)
    for number in range(MOST_WAITING + 3):
        await visitor.start(f"question {number}")
    await visitor.until(lambda events: len(errors(events)) == 3, "three refusals")
    assert all("was not accepted" in sentence for sentence in errors(visitor.events))
    page.thread.go()
    expected = ["first", *(f"question {number}" for number in range(MOST_WAITING))]
    await asyncio.to_thread(page.wait, lambda engine: len(engine.requests) == len(expected), 60)
    assert asked(page) == expected
    assert "An answer." in shown(await visitor.ask("And now?"))


async def test_long_questions_wait_only_up_to_a_size(page: ScriptedProduct) -> None:
    async with Visitor(page) as visitor:
        await hold(visitor, page)
        for _ in range(3):
            await visitor.start("x" * (MOST_CHARACTERS * 2 // 3))
        await visitor.until(lambda events: len(errors(events)) == 2, "two refusals")
        await visitor.send("clear_session")


async def test_stop_ends_the_answer_that_is_shown_and_the_next_comes(visitor: Visitor, page: ScriptedProduct) -> None:
    left = page.engine.left
    await hold(visitor, page)
    for number in range(3):
        await visitor.start(f"question {number}")
    # Only once they wait: earlier there would be nothing to stop.
    assert "An answer." not in shown(await settled(visitor))
    page.engine.script = Script()
    await visitor.send("stop")
    await asyncio.to_thread(page.wait, lambda engine: len(engine.requests) == 4, 60)
    assert page.engine.left == left + 1
    assert asked(page) == ["first", "question 0", "question 1", "question 2"]


async def test_a_window_that_closes_gives_up_all_of_its_questions(page: ScriptedProduct) -> None:
    left = page.engine.left
    async with Visitor(page) as visitor:
        await hold(visitor, page)
        for number in range(3):
            await visitor.start(f"question {number}")
        await settled(visitor)
        page.engine.script = Script()
        # As a new chat does it: without the grace period.
        await visitor.send("clear_session")
    await asyncio.to_thread(page.wait, lambda engine: engine.left == left + 1, 30)
    async with Visitor(page) as other:
        assert "An answer." in shown(await other.ask("And I?"))
    assert asked(page) == ["first", "And I?"]


async def test_impossible_settings_are_not_kept(visitor: Visitor, page: ScriptedProduct) -> None:
    for number in range(3):
        await visitor.send("chat_settings_change", {f"key {number}": "x" * 1_000_000, "system_prompt": "y" * 1_000_000})
    assert "An answer." in shown(await visitor.ask("Hello?"))
    with contextlib.closing(sqlite3.connect(page.files.chats, timeout=10)) as database:
        [[largest]] = database.execute("SELECT max(length(settings)) FROM threads").fetchall()
        [[own]] = database.execute("SELECT max(length(settings)) FROM users").fetchall()
    assert 0 < largest <= MAX_STORED_BYTES
    assert own <= MAX_STORED_BYTES


async def settled(visitor: Visitor) -> list[tuple[str, Any]]:
    """What has come until the page has taken all that was sent."""
    before = len(visitor.events)
    # Events of one socket are taken in their order.
    await visitor.send("window_message", "x")
    async with Visitor(visitor.page):
        return visitor.events[before:]
