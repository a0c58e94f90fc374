"""The page follows an answer as it grows, until a person scrolls up to read."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.instruments.chat_page import ChatPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct

_LINES = [f"Line {number}.\n\n" for number in range(80)]
_BOX = """const holds = (part) => part.querySelector("[data-step-type]") && part.scrollHeight > part.clientHeight;
  const box = [...document.querySelectorAll("div.overflow-y-auto")].filter(holds).at(-1);
  const below = () => box.scrollHeight - box.clientHeight - box.scrollTop;"""
_BELOW = f"() => {{ {_BOX} return box ? below() : -1; }}"
_UP_ON_THE_WAY_TO_THE_END = f"""async () => {{ {_BOX}
  const start = box.scrollTop;
  document.querySelector("div.absolute.bottom-4 button.rounded-full").click();
  for (let frame = 0; box.scrollTop <= start && frame < 120; frame += 1) await new Promise(requestAnimationFrame);
  box.scrollTo({{ top: start - 100, behavior: "instant" }});
  await new Promise((done) => setTimeout(done, 500));
  return below();
}}"""


def _below(chat: ChatPage) -> float:
    """Pixels of the conversation that are below the window's edge; -1 while all of it fits."""
    return float(chat.page.evaluate(_BELOW))


def _until_below(chat: ChatPage, wanted: Callable[[float], bool]) -> None:
    deadline = time.monotonic() + 60
    while not wanted(below := _below(chat)):
        assert time.monotonic() < deadline, f"{below} pixels below the edge"
        chat.page.wait_for_timeout(50)


def _stalled_answer(scripted: ScriptedProduct, open_page: OpenPage) -> ChatPage:
    """An answer that has stopped growing for now, with its end in sight and the mouse over it."""
    scripted.engine.script = Script(answer=_LINES, stall_after=60)
    chat = open_page(scripted.url)
    chat.ask("Go")
    expect(chat.answers.last).to_contain_text("Line 59.")
    _until_below(chat, lambda below: below == 0)
    chat.answers.last.hover()
    return chat


def _finishes_out_of_sight(scripted: ScriptedProduct, chat: ChatPage) -> None:
    """Lets the answer go on to its end, which the page does not follow."""
    scripted.thread.go()
    chat.finished()
    expect(chat.answers.last).to_contain_text("Line 79.")
    assert _below(chat) > 400


def test_the_end_of_an_answer_is_in_sight(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=_LINES, answer=_LINES, rate=100)
    chat = open_page(scripted.url)
    chat.ask("Go")
    chat.finished()
    # The buttons and the quiet line come after the text.
    expect(chat.notes.last).to_contain_text("tokens/s")
    _until_below(chat, lambda below: below == 0)
    chat.page.wait_for_timeout(1000)
    assert _below(chat) == 0


def test_scrolling_up_stops_the_following(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    chat = _stalled_answer(scripted, open_page)
    chat.page.mouse.wheel(0, -300)
    _until_below(chat, lambda below: below > 200)
    _finishes_out_of_sight(scripted, chat)


def test_scrolling_up_counts_while_the_page_moves_itself(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    chat = _stalled_answer(scripted, open_page)
    chat.page.mouse.wheel(0, -600)
    _until_below(chat, lambda below: below > 500)
    # The arrow moves the page smoothly to its end; this person scrolls up again before it gets there.
    assert chat.page.evaluate(_UP_ON_THE_WAY_TO_THE_END) > 200
    _finishes_out_of_sight(scripted, chat)


def test_what_is_opened_below_an_answer_stays_where_it_was(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=_LINES, answer=_LINES[:3])
    chat = open_page(scripted.url)
    chat.ask("Go")
    chat.finished()
    expect(chat.notes.last).to_contain_text("tokens in")
    chat.page.wait_for_timeout(1000)
    heading = chat.steps.last.get_by_role("button").first
    before = heading.bounding_box()
    heading.click()
    expect(chat.steps.last).to_contain_text("Line 79.")
    chat.page.wait_for_timeout(1000)
    after = heading.bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 50
