"""What can be done with an answer: compared, copied, shared, printed. On the scripted engine."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.instruments.pictures import png, shop_sign
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct


def test_two_answers_are_shown_beside_each_other_with_their_differences(
    scripted: ScriptedProduct, open_page: OpenPage
) -> None:
    scripted.engine.script = Script(answer=["It costs <b>3.50</b>."])
    page = open_page(scripted.url)
    page.ask("How much?")
    page.finished()
    scripted.engine.script = Script(answer=["It costs <b>3.80</b>."])
    page.press("Regenerate")
    page.finished()
    page.edit(page.questions.last, "How much is it?")
    page.finished()
    page.button("Compare").click()
    dialog = page.page.get_by_role("dialog", name="Compare two answers")
    left, right = dialog.locator("section").first, dialog.locator("section").last
    # Of the question before it was edited, the last answer.
    expect(left).to_contain_text("It costs <b>3.80</b>.")
    expect(right.locator("blockquote mark")).to_have_text("is it")
    left.get_by_role("combobox").select_option("Question 1, answer 1")
    expect(left).to_contain_text("It costs <b>3.50</b>.")
    right.get_by_role("combobox").select_option("Question 1, answer 2")
    expect(dialog.get_by_role("status")).to_have_text("One place differs; it is underlined.")
    expect(dialog.locator("mark")).to_have_text(["3.50", "3.80"])
    expect(dialog.locator("b")).to_have_count(0)
    columns = "dialog => new Set([...dialog.querySelectorAll('section')].map(one => one.offsetLeft)).size"
    assert dialog.evaluate(columns) == 2
    page.page.set_viewport_size({"width": 390, "height": 844})
    assert dialog.evaluate(columns) == 1
    page.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(page.button("Compare")).to_be_focused()


def test_an_answer_is_copied_in_three_forms_shared_and_printed(
    scripted: ScriptedProduct, open_page: OpenPage, picture: Callable[[str, bytes], Path]
) -> None:
    answer = "A **b** [x](javascript:alert(1)) $$a^2$$\n\n| tea | cost |\n|---|---:|\n| green | 3.50 |"
    scripted.engine.script = Script(reasoning=["hm"], answer=[answer])
    page = open_page(scripted.url, has_touch=True, permissions=["clipboard-read", "clipboard-write"])
    page.page.evaluate(
        "navigator.canShare = () => true; navigator.share = async (what) => { window.shared = what; };"
        "window.print = () => { window.printed = true; }"
    )
    page.ask("How much?", [picture("tea.png", png(shop_sign("TEA")))])
    page.finished()
    copied = {}
    for name in ("Copy as Markdown", "Copy as plain text", "Copy with formatting"):
        page.button("More ways to copy, and print").click()
        page.page.get_by_role("menuitem", name=name).click()
        expect(page.page.get_by_text("Copied", exact=True).first).to_be_visible()
        copied[name] = page.page.evaluate(
            "navigator.clipboard.read().then(async ([item]) => Object.fromEntries(await Promise.all(item.types.map("
            "async (type) => [type, await (await item.getType(type)).text()]))))"
        )
    assert copied["Copy as Markdown"] == {"text/plain": answer}
    assert copied["Copy as plain text"]["text/plain"].splitlines()[-1] == "green\t3.50"
    assert "a^2" in copied["Copy as plain text"]["text/plain"]
    formatted = copied["Copy with formatting"]["text/html"]
    assert "<strong>b</strong>" in formatted
    assert '<td align="right">3.50</td>' in formatted
    assert not re.search("javascript|class=|<button|<svg", formatted)
    page.button("Share").click()
    page.page.wait_for_function("window.shared")
    assert page.page.evaluate("[shared.text, shared.files.map(({ name, type }) => name + type)]") == [
        answer, ["tea.pngimage/png"]
    ]  # fmt: skip
    # Where the system refuses, the text is copied.
    page.page.evaluate("navigator.share = async () => { throw new Error('no'); }; navigator.clipboard.writeText('-')")
    page.button("Share").click()
    page.page.wait_for_function(f"navigator.clipboard.readText().then((text) => text === {json.dumps(answer)})")
    page.page.emulate_media(media="print")
    for hidden in (page.input, page.steps.first, page.button("Regenerate"), page.page.locator("#header")):
        expect(hidden).not_to_be_visible()
    expect(page.answers.last).to_be_visible()
    page.page.emulate_media(media="screen")
    page.button("More ways to copy, and print").click()
    page.page.get_by_role("menuitem", name="Print or save as PDF").click()
    page.page.wait_for_function("window.printed")
