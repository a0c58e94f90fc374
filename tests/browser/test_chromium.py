"""A browser that hangs fails one test, not the whole run."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

from tests.instruments.chromium import Chromium


def test_a_hanging_browser_is_killed_and_replaced(chromium_process: Chromium) -> None:
    page = chromium_process.browser().new_page()
    # A script that never returns: Playwright has no limit of its own for it.
    with pytest.raises(Error), chromium_process.killed_after(1):
        page.evaluate("new Promise(() => {})")
    page = chromium_process.browser().new_page()
    assert page.evaluate("1 + 1") == 2
    page.close()
