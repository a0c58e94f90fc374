"""Chromium for the browser tests: one process for all of them, killed if a test hangs in it."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Iterator

import psutil
from playwright.sync_api import Browser, Playwright

HANGS_AFTER_SECONDS = 400.0
"""No test needs so long. Playwright waits for some things, such as a page's own script, without a limit."""


def launched(playwright: Playwright) -> Browser:
    """Starts Debian's Chromium, or Playwright's own where there is none."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])


class Chromium:
    """One Chromium for many tests, started when it is used first."""

    def __init__(self, playwright: Playwright) -> None:
        self._playwright = playwright
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        """The running browser; another one if the last was killed."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = launched(self._playwright)
        return self._browser

    def close(self) -> None:
        """Ends the browser."""
        if self._browser is not None:
            self._browser.close()

    @contextlib.contextmanager
    def killed_after(self, seconds: float = HANGS_AFTER_SECONDS) -> Iterator[None]:
        """Kills Chromium if the block takes longer: the test fails with Playwright's error instead of hanging."""
        timer = threading.Timer(seconds, _kill_chromium)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _kill_chromium() -> None:
    """Kills every Chromium below this process: Playwright does not report its process id."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "chrom" in process.name() or "headless_shell" in process.name():
                process.kill()
