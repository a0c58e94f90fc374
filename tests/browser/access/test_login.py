"""A page that others can reach requires a password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.instruments.scripted_product import ScriptedProduct


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScriptedProduct]:
    """The page bound to every address of this machine, without a password of its owner's choice."""
    with ScriptedProduct(tmp_path_factory.mktemp("public") / "workspace", KIMI_HOST="0.0.0.0") as product:
        yield product


@pytest.fixture
def page(browser: Browser, public: ScriptedProduct) -> Iterator[Page]:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(public.url)
    yield page
    context.close()


def log_in(page: Page, password: str) -> None:
    # Without any users there is one account, and no name to give.
    expect(page.locator(".sign-in-note")).to_contain_text("the same account")
    expect(page.locator("#email")).to_be_hidden()
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name=re.compile("continue|sign in|log in", re.IGNORECASE)).first.click()


def test_the_generated_password_lets_people_in(page: Page, public: ScriptedProduct) -> None:
    assert oct(public.files.password.stat().st_mode)[-3:] == "600"
    log_in(page, public.files.password.read_text().strip())
    page.locator("#chat-input").fill("Hello")
    page.locator("#chat-submit").click()
    expect(page.locator('[data-step-type="assistant_message"]').last).to_contain_text("An answer.")


def test_a_wrong_password_does_not(page: Page, public: ScriptedProduct) -> None:
    log_in(page, "wrong")
    expect(page.locator("form")).to_contain_text(re.compile("password|sign in", re.IGNORECASE))
    page.wait_for_timeout(500)
    expect(page.locator("#chat-input")).to_have_count(0)


def test_a_login_ends_with_the_password_it_was_made_with(
    browser: Browser, public: ScriptedProduct, tmp_path: Path
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(public.url)
    log_in(page, public.files.password.read_text().strip())
    expect(page.locator("#chat-input")).to_be_visible()
    public.stop()
    public.start(KIMI_PASSWORD="another")
    page.reload()
    expect(page.locator("input[type=password]")).to_be_visible()
    context.close()
