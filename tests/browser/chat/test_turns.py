"""Turns as users see them: stop, edit, continue, regenerate, errors, waiting. On the scripted engine."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from engine.status import Phase, Reason
from tests.browser.conftest import OpenPage
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct


def test_nothing_after_a_colon_or_a_dollar_is_lost(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    words = "Total:USD 5\n\nkey:value, $5 and $6, 10:30, 姓名:张三, ::name and `a:b`"
    scripted.engine.script = Script(reasoning=["key:value ", "$5 and $6"], answer=list(words))
    page = open_page(scripted.url)
    page.ask("key:value costs $5 and $6")
    page.finished()
    for shown in ("Total:USD 5", "key:value, $5 and $6, 10:30, 姓名:张三, ::name and a:b"):
        expect(page.answers.last).to_contain_text(shown)
    expect(page.questions.last).to_contain_text("key:value costs $5 and $6")
    page.steps.last.get_by_role("button").click()
    expect(page.steps.last).to_contain_text("key:value $5 and $6")


def test_what_models_write_is_drawn_as_they_mean_it(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    head = "| 名称 | Quantity | Amount | VAT | Account |\n|---|---|---|---|---|\n"
    words = f"招牌写着**“豫园”**。\n\n{head}| 茶<br>水 | 1000 | 1002.50 | 100.00 | Hospitality |\n\n价格 $p=25.6\\$$。"
    scripted.engine.script = Script(answer=[words])
    page = open_page(scripted.url, viewport={"width": 390, "height": 844})
    page.ask("x")
    page.finished()
    answer = page.answers.last
    expect(answer.get_by_text("“豫园”", exact=True)).to_have_css("font-weight", "700")
    expect(answer).to_contain_text("招牌写着“豫园”。")
    expect(answer.locator("td").first).to_have_text("茶\n水", use_inner_text=True)
    expect(answer.locator(".katex-error")).to_have_count(0)
    expect(answer.locator(".katex annotation")).to_have_text(r"p=25.6\text{\textdollar}")
    heights = answer.locator("td").evaluate_all(
        """cells => cells.slice(1).map((cell) => {
          const range = document.createRange();
          range.selectNodeContents(cell);
          return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
        })"""
    )
    assert heights == [1, 1, 1, 1], "no number and no word is on two lines"


def test_copy_copies_the_answer_as_it_is(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    words = "# A title\n\nkey:value | $5\n\n```python\nprint(1)\n```"
    scripted.engine.script = Script(answer=[words])
    page = open_page(scripted.url, permissions=["clipboard-read", "clipboard-write"])
    page.ask("x")
    page.finished()
    page.answers.last.get_by_role("button", name="Copy", exact=True).last.click()
    assert page.page.evaluate("navigator.clipboard.readText()") == words


def test_the_line_below_shows_model_times_and_tokens(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=["a "] * 10, answer=["b "] * 30, rate=100)
    page = open_page(scripted.url)
    page.ask("x")
    page.finished()
    line = r"scripted · first token \d+\.\d\d s · \d+ tokens/s · 11 tokens in, 40 out"
    expect(page.notes.last).to_contain_text(re.compile(line))


def test_stop_keeps_what_was_shown_of_the_answer(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=["so "] * 3, answer=[f"word{n} " for n in range(2000)], rate=50)
    page = open_page(scripted.url)
    page.ask("x")
    expect(page.answers.last).to_contain_text("word20 ")
    page.stop_button.click()
    page.finished()
    expect(page.answers.last).to_contain_text("word0 word1 word2")
    expect(page.notes.last).to_contain_text("stopped")
    expect(page.answers).to_have_count(1)
    sent = scripted.engine.sent
    assert scripted.engine.cancelled == 1
    assert sent < 2000


def test_stop_keeps_the_reasoning_and_continue_resumes_it(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=[f"thought{n} " for n in range(2000)], rate=50)
    page = open_page(scripted.url)
    page.ask("x")
    expect(page.steps.last).to_contain_text("thought20 ")
    page.stop_button.click()
    page.finished()
    expect(page.steps.last).to_contain_text("Thinking (stopped)")
    expect(page.answers.last).to_contain_text("Stopped before the answer began.")
    scripted.engine.script = Script(reasoning=["and so on."], answer=["The answer."])
    page.press("Continue")
    expect(page.answers.last).to_contain_text("The answer.")
    page.finished()
    [message] = [m for m in scripted.engine.requests[-1]["messages"] if m["role"] == "assistant"]
    assert message["content"].startswith("◁think▷thought0 thought1 ")
    page.steps.last.get_by_role("button").click()
    expect(page.steps.last).to_contain_text(re.compile(r"thought0 thought1 .*and so on\."))


def test_stop_works_after_an_edit(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    page.ask("First question")
    page.finished()
    page.ask("Second question")
    page.finished()
    scripted.engine.script = Script(answer=[f"word{n} " for n in range(2000)], rate=50)
    page.edit(page.questions.first, "Changed question")
    expect(page.answers.last).to_contain_text("word10 ")
    page.stop_button.click()
    page.finished()
    expect(page.questions).to_have_count(1)
    expect(page.answers).to_have_count(1)
    assert scripted.engine.cancelled == 1
    assert [m["content"] for m in scripted.engine.requests[-1]["messages"]] == ["Changed question"]


def test_closing_the_window_stops_the_engine_after_the_grace_period(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    scripted.engine.script = Script(answer=["word "] * 4000, rate=40)
    page = open_page(scripted.url)
    page.ask("x")
    expect(page.answers.last).to_contain_text("word")
    page.page.close()
    scripted.wait(lambda engine: engine.cancelled == 1, seconds=40)
    assert scripted.engine.sent < 4000


def test_a_reconnect_within_the_grace_period_continues(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=["so "], answer=[f"word{n} " for n in range(200)], rate=20)
    with scripted.cable() as cable:
        page = open_page(f"http://127.0.0.1:{cable.port}")
        page.ask("x")
        expect(page.answers.last).to_contain_text("word5 ")
        cable.pull()
        page.page.wait_for_timeout(2000)
        cable.plug()
        expect(page.answers.last).to_contain_text("word199")
        page.finished()
        text = page.answers.last.inner_text()
        assert [int(n) for n in re.findall(r"word(\d+)", text)] == list(range(200))
        assert scripted.engine.cancelled == 0
        expect(page.answers).to_have_count(1)
        page.close()
        page.errors.clear()  # the lost connection is one


def test_a_failed_check_of_the_login_does_not_leave_the_chat(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    page.ask("x")
    page.finished()
    page.page.route("**/user", lambda route: route.abort())
    # The front end polls again when the window gets the focus, but at most every five seconds.
    page.page.wait_for_timeout(6000)
    with page.page.expect_event("requestfailed", lambda request: request.url.endswith("/user")):
        page.page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.page.wait_for_timeout(1000)
    expect(page.answers.last).to_contain_text("An answer.")
    page.errors.clear()


def test_at_the_token_limit_the_page_says_so_and_continue_works(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(answer=["one ", "two "], finish_reason="length")
    page = open_page(scripted.url)
    page.ask("Count")
    page.finished()
    expect(page.notes.last).to_contain_text("token limit reached")
    scripted.engine.script = Script(answer=["three ", "four"])
    page.press("Continue")
    expect(page.answers.last).to_contain_text("one two three four")
    page.finished()
    request = scripted.engine.requests[-1]
    assert request["continue_final_message"] is True
    assert request["messages"][-1] == {"role": "assistant", "content": "one two "}
    expect(page.button("Continue")).to_have_count(0)
    expect(page.answers).to_have_count(1)


def test_regenerate_keeps_the_earlier_answer_within_reach(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(reasoning=["why one"], answer=["The first."])
    page = open_page(scripted.url)
    page.ask("Say something")
    page.finished()
    scripted.engine.script = Script(reasoning=["why two"], answer=["The second."])
    page.press("Regenerate")
    expect(page.answers.last).to_contain_text("The second.")
    page.finished()
    assert [m["role"] for m in scripted.engine.requests[-1]["messages"]] == ["user"]
    page.press("Earlier answer (1/2)")
    expect(page.answers.last).to_contain_text("The first.")
    expect(page.answers).to_have_count(1)
    page.press("Later answer (2/2)")
    expect(page.answers.last).to_contain_text("The second.")
    page.press("Earlier answer (1/2)")
    expect(page.answers.last).to_contain_text("The first.")
    page.ask("And then?")
    page.finished()
    assert [m["content"] for m in scripted.engine.requests[-1]["messages"]] == [
        "Say something", "The first.", "And then?"
    ]  # fmt: skip


def test_an_older_answer_can_be_regenerated_too(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    page.ask("One")
    page.finished()
    page.ask("Two")
    page.finished()
    scripted.engine.script = Script(answer=["Anew."])
    page.page.get_by_role("button", name="Regenerate").first.click()
    expect(page.answers.first).to_contain_text("Anew.")
    page.finished()
    assert [m["content"] for m in scripted.engine.requests[-1]["messages"]] == ["One"]
    expect(page.answers).to_have_count(2)


def test_a_stopped_regeneration_leaves_the_earlier_answer(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    page.ask("x")
    page.finished()
    scripted.engine.script = Script(hold=True)
    page.press("Regenerate")
    expect(page.stop_button).to_be_visible()
    page.stop_button.click()
    page.finished()
    expect(page.answers.last).to_contain_text("An answer.")


def test_an_engine_error_is_one_sentence_with_a_way_out(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(status=500, error="CUDA error: device-side assert\n  File x.py, line 3\n    boom")
    page = open_page(scripted.url)
    page.ask("My question")
    page.finished()
    expect(page.answers.last).to_contain_text(
        "The engine could not answer (CUDA error: device-side assert): press Retry"
    )
    expect(page.answers.last).not_to_contain_text("File x.py")
    expect(page.questions.last).to_contain_text("My question")
    scripted.engine.script = Script(answer=["Now it works."])
    page.press("Retry")
    expect(page.answers.last).to_contain_text("Now it works.")
    page.finished()
    expect(page.answers).to_have_count(1)
    assert [m["content"] for m in scripted.engine.requests[-1]["messages"]] == ["My question"]


def test_an_answer_that_breaks_off_stays_and_can_be_continued(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(answer=["The first half, "] + ["x"] * 10, break_after=1)
    page = open_page(scripted.url)
    page.ask("x")
    page.finished()
    expect(page.answers.first).to_contain_text("The first half,")
    expect(page.answers.last).to_contain_text("The engine broke off")
    scripted.engine.script = Script(answer=["the second half."])
    page.press("Continue")
    expect(page.answers.first).to_contain_text("The first half, the second half.")
    page.finished()
    expect(page.answers).to_have_count(1)


def test_too_many_pictures_or_tokens_have_their_own_way_out(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.engine.script = Script(status=400, error="At most 2 image(s) may be provided in one prompt.")
    page = open_page(scripted.url)
    page.ask("x")
    page.finished()
    expect(page.answers.last).to_contain_text("at most 2 pictures at once: send fewer")
    page.ask("y " * 100_000)
    page.finished()
    expect(page.answers.last).to_contain_text(
        "the model holds 32,768: send fewer pictures, a shorter text, or start a new"
    )


def test_what_is_left_out_of_a_long_chat_is_reported(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url)
    for _ in range(3):
        page.ask("wörter " * 6000)
        page.finished()
    expect(page.notes.filter(has_text="no longer fits into the model: the oldest").first).to_be_visible()
    assert len(scripted.engine.requests[-1]["messages"]) < 5


def test_a_question_waits_while_the_engine_starts_and_the_page_shows_how_far_it_is(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    scripted.status(state="starting", phase=Phase.PREPARING, percent=12.0)
    page = open_page(scripted.url)
    page.ask("Are you there?")
    expect(page.notes.last).to_contain_text("The engine is starting: preparing, 12 %")
    scripted.status(state="starting", phase=Phase.PREPARING, percent=87.0)
    expect(page.notes.last).to_contain_text("87 %")
    scripted.status(state="ready")
    expect(page.answers.last).to_contain_text("An answer.")
    page.finished()
    expect(page.notes.filter(has_text="starting")).to_have_count(0)


def test_waiting_for_the_engine_can_be_stopped(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    scripted.status(state="starting", phase=Phase.PREPARING)
    page = open_page(scripted.url)
    page.ask("Are you there?")
    expect(page.notes.last).to_contain_text("starting")
    page.stop_button.click()
    page.finished()
    expect(page.answers.last).to_contain_text("Stopped before the answer began.")
    assert scripted.engine.requests == []


def test_a_failed_engine_says_why_and_retry_without_a_supervisor_says_what_to_do(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    scripted.status(state="failed", reason=Reason.of_text("The weights are not on this machine."))
    page = open_page(scripted.url)
    page.ask("Are you there?")
    expect(page.answers.last).to_contain_text("The engine is not running: The weights are not on this machine.")
    page.finished()
    page.press("Retry")
    expect(page.answers.last).to_contain_text("run ./start.sh in a terminal")
    page.finished()
