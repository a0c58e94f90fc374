"""The generator of commands in the browser: choosing, what fits, copying, sharing, and that it is for everyone."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenPage
from tests.instruments.combinations import plan_of
from tests.instruments.scripted_product import ScriptedProduct


def test_a_choice_shows_what_fits_and_its_commands_which_can_be_copied_and_shared(
    scripted: ScriptedProduct, browser: Browser
) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: message.type == "error" and errors.append(message.text))
    page.goto(f"{scripted.url}/status")
    page.get_by_role("link", name="Plans").click()
    verdict = page.locator(".verdict")
    expect(verdict).to_have_text("FitsKimi-VL A3B Thinking on vLLM, 1 x L40S")
    # What a large model does not fit is seen before it is chosen, and why not once it is.
    k2 = page.locator("[data-axis=model] [data-name='Kimi-K2.5']")
    expect(k2).to_have_class(re.compile("chip-no"))
    k2.click()
    expect(verdict).to_contain_text("Does not fitKimi-K2.5 needs 714 GB of memory")
    page.locator("[data-axis=accelerator] [data-name=H100]").click()
    expect(verdict).to_contain_text("8 x H100 have 640 GB")
    page.get_by_label("Nodes").fill("2")
    page.get_by_label("Nodes").press("Enter")
    expect(verdict).to_have_text("FitsKimi K2.5 on vLLM, 8 x H100 on each of 2 nodes")
    expect(page.locator(".code")).to_contain_text(["node 0", "node 1"])
    page.get_by_role("button", name="Copy: Node 1").click()
    expect(page.get_by_role("button", name="Copy: Node 1")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "--node-rank 1" in copied
    assert "--headless" in copied
    page.locator("label", has_text="Docker").click()
    expect(page.locator(".code").nth(1)).to_contain_text("docker run")
    # The address shows the same elsewhere; and back leads back.
    address = page.url
    shared = context.new_page()
    shared.goto(address)
    expect(shared.locator(".verdict")).to_have_text("FitsKimi K2.5 on vLLM, 8 x H100 on each of 2 nodes")
    shared.close()
    page.go_back()
    expect(verdict).to_contain_text("8 x H100 have 640 GB")
    assert errors == []
    context.close()


def test_it_works_with_the_keyboard_alone(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    chat = open_page(scripted.url)
    page = chat.page
    page.goto(f"{scripted.url}/plan?model=Kimi-K2.6&accelerator=H200")
    verdict = page.locator(".verdict")
    expect(verdict).to_have_text("FitsKimi K2.6 on vLLM, 8 x H200")
    page.locator("[data-axis=engine] :checked").focus()
    for engine in ("vLLM", "SGLang"):
        page.keyboard.press("ArrowRight")
        expect(verdict).to_contain_text(f"on {engine}")
    expect(page.locator("[data-axis=engine] :focus")).to_have_value("sglang")
    page.locator("[name=capability][value=speculative]").focus()
    page.keyboard.press("Space")
    expect(page.locator(".code").first).to_contain_text("--speculative-algorithm EAGLE3")
    expect(page.locator("[name=capability][value=speculative]")).to_be_focused()
    assert page.locator(".code").last.inner_text() == (
        "./start.sh plan --model Kimi-K2.6 --accelerator H200 --engine sglang --speculative"
    )
    planned = plan_of(
        ["--model", "Kimi-K2.6", "--accelerator", "H200", "--engine", "sglang", "--speculative", "--format", "shell"]
    )
    assert all(reason in page.locator(".found").inner_text() for reason in planned.reasons)


def test_an_address_with_an_unknown_name_leads_to_what_there_is(scripted: ScriptedProduct, open_page: OpenPage) -> None:
    page = open_page(scripted.url).page
    page.goto(f"{scripted.url}/plan?model=gpt-2")
    expect(page.get_by_role("alert")).to_contain_text("There is no model 'gpt-2' in the catalogue; known are")
    expect(page.locator(".verdict")).to_contain_text("Kimi-VL A3B Thinking on vLLM")


@pytest.mark.parametrize(
    "view",
    [
        {"viewport": {"width": 1280, "height": 900}},
        {"viewport": {"width": 320, "height": 844}, "locale": "zh-CN", "color_scheme": "dark"},
    ],
    ids=["wide", "phone-zh-dark"],
)
def test_it_is_for_everyone(scripted: ScriptedProduct, browser: Browser, view: dict[str, object]) -> None:
    context = browser.new_context(**view)
    page = context.new_page()
    page.goto(f"{scripted.url}/plan?model=Kimi-K2.5&accelerator=H200")
    chinese = "locale" in view
    expect(page.locator(".verdict strong")).to_have_text("可行" if chinese else "Fits")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if chinese:
        words = page.locator("h2, legend, [data-axis=tuning], [data-axis=capability]").all_inner_texts()
        assert re.findall(r"[A-Za-z]{4,}", " ".join(words)) == []
    context.close()


def test_a_stranger_is_sent_to_the_form(scripted: ScriptedProduct, browser: Browser) -> None:
    context = browser.new_context()
    assert context.request.get(f"{scripted.url}/api/plan").status == 401
    context.close()
