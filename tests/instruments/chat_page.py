"""The page as the browser tests use it: one class for what a user does and sees."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

_PATIENCE = 60_000


class ChatPage:
    """One browser window with the page in it. Remembers console errors and requests to other hosts."""

    cpu_slowdown = 1.0
    """How many times slower its CPU is; set by `--cpu-slowdown`."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        options = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}, **context}
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(_PATIENCE)
        self.page: Page = self.context.new_page()
        if self.cpu_slowdown != 1:
            devtools = self.context.new_cdp_session(self.page)
            devtools.send("Emulation.setCPUThrottlingRate", {"rate": self.cpu_slowdown})
        self.url = url
        self.errors: list[str] = []
        self.foreign: list[str] = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.context.on("request", self._requested)
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._told))
        self._turns_begun = 0
        self._turns_wanted = 0
        self._turn_runs = False

    def open(self) -> ChatPage:
        """Opens the page and waits until a question can be asked."""
        self.page.goto(self.url)
        expect(self.input).to_be_visible(timeout=_PATIENCE)
        expect(self.settings_button).to_be_visible(timeout=_PATIENCE)
        self._turns_begun = self._turns_wanted = 0
        return self

    @property
    def input(self) -> Locator:
        """Where a question is typed."""
        return self.page.locator("#chat-input")

    @property
    def settings_button(self) -> Locator:
        """Opens the settings."""
        return self.page.locator("#chat-settings-open-modal")

    @property
    def stop_button(self) -> Locator:
        """There while a turn runs."""
        return self.page.locator("#stop-button")

    @property
    def answers(self) -> Locator:
        """The assistant's messages, oldest first."""
        return self.page.locator('[data-step-type="assistant_message"]')

    @property
    def questions(self) -> Locator:
        """The person's messages."""
        return self.page.locator('[data-step-type="user_message"]')

    @property
    def steps(self) -> Locator:
        """The Thinking steps."""
        return self.page.locator('[data-step-type="tool"]')

    @property
    def notes(self) -> Locator:
        """The quiet lines."""
        return self.page.locator('[data-step-type="undefined"]')

    def attach(self, *files: Path | dict[str, Any]) -> None:
        """Picks files with the paperclip button's file chooser.

        The page has a second one, the drop zone's, which goes and comes with each turn.
        """
        self.page.locator("#upload-button-input").set_input_files(list(files))

    def ask(self, question: str, files: Sequence[Path] = ()) -> None:
        """Sends a question."""
        if files:
            self.attach(*files)
            # The page sends no file that it does not show.
            expect(self.page.locator("#attachments > *")).to_have_count(len(files), timeout=_PATIENCE)
        self.input.fill(question)
        self.press_send()

    def press_send(self) -> None:
        """Sends what is in the composer."""
        send = self.page.locator("#chat-submit")
        expect(send).to_be_enabled(timeout=_PATIENCE)
        self._turns_wanted = self._turns_begun + 1
        send.click()

    def press(self, name: str) -> None:
        """Presses the last button of this name, which begins a turn."""
        self._turns_wanted = self._turns_begun + 1
        self.button(name).click()

    def button(self, name: str) -> Locator:
        """The last button of this name in the conversation."""
        return self.answers.get_by_role("button", name=name, exact=True).last

    def edit(self, question: Locator, words: str) -> None:
        """Changes a question that was asked."""
        question.hover()
        question.locator(".edit-message").click()
        self.page.locator("#edit-chat-input").fill(words)
        self._turns_wanted = self._turns_begun + 1
        self.page.locator(".confirm-edit").click()

    def finished(self) -> None:
        """Waits until the turn that was asked for has begun and ended."""
        deadline = time.monotonic() + _PATIENCE / 1000
        while self._turn_runs or self._turns_begun < self._turns_wanted:
            assert time.monotonic() < deadline, "the turn did not end"
            self.page.wait_for_timeout(50)
        expect(self.stop_button).to_have_count(0, timeout=_PATIENCE)

    def close(self) -> None:
        """Closes the window."""
        self.context.close()

    def _told(self, frame: str | bytes) -> None:
        """Records what the server sends: the page shows the beginning of a short turn too briefly to be seen."""
        if isinstance(frame, str) and frame.startswith('42["task_start"'):
            self._turns_begun += 1
            self._turn_runs = True
        elif isinstance(frame, str) and frame.startswith('42["task_end"'):
            self._turn_runs = False

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _requested(self, request: Request) -> None:
        if not re.match(r"(data|blob):", request.url) and urlsplit(request.url).hostname != "127.0.0.1":
            self.foreign.append(request.url)
