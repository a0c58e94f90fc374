"""Asks in the terminal whether a model may be fetched, while everything else goes on; the page asks the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable

from engine.config import Workspace
from engine.supervise import consent

_MOST_BYTES = 1024
_WORDS: dict[str, consent.Word] = {"yes": "yes", "y": "yes", "是": "yes", "no": "no", "n": "no", "否": "no"}


class TerminalQuestion:
    """One question in the terminal that started us, if there is one; `ask` and `drop` are called in the event loop."""

    def __init__(
        self, files: Workspace, print_line: Callable[[str], None], terminal: Callable[[], int | None] | None = None
    ) -> None:
        """Takes where the answer is noted, and what prints a line; `terminal` returns the descriptor to read from."""
        self._files = files
        self._print_line = print_line
        self._terminal = terminal or _terminal
        self._reading: int | None = None

    def ask(self) -> None:
        """Asks, unless there is nobody at a terminal, and takes the answer whenever it comes."""
        if self._reading is None and (descriptor := self._terminal()) is not None and _in_foreground(descriptor):
            asyncio.get_running_loop().add_reader(descriptor, self._read, descriptor)
            self._reading = descriptor
            self._print_line("May it be fetched? Type yes or no here, or say it on the page; nothing waits for it.")

    def drop(self) -> None:
        """Takes the question back: it was answered elsewhere, or everything stops."""
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            self._reading = None

    def _read(self, descriptor: int) -> None:
        # To read from the background would stop the process.
        data = b""
        if _in_foreground(descriptor):
            with contextlib.suppress(OSError):
                data = os.read(descriptor, _MOST_BYTES)
        if not data:
            self.drop()
            return
        said = data.decode(errors="replace").strip().lower()
        word = _WORDS.get(said)
        if word is None:
            if said:
                self._print_line("Type yes or no.")
            return
        try:
            consent.answer(self._files, word)
        except OSError as error:
            self._print_line(
                f"That can't be noted ({error.strerror}): make room in {self._files.root}, and say it again."
            )
            return
        self.drop()


def _terminal() -> int | None:
    """Standard input, if somebody sits there and sees what is printed."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.stdin.isatty() and sys.stdout.isatty():
            return sys.stdin.fileno()
    return None


def _in_foreground(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        # Not the terminal that controls us, which nobody else reads.
        return True
