"""Whether a model of many gigabytes may be fetched: what somebody has answered, on the page or by `KIMI_DOWNLOAD`."""

from __future__ import annotations

import contextlib
from typing import Literal

from engine.config import Settings, Workspace

Word = Literal["yes", "no"]


def answered(files: Workspace) -> Word | None:
    """The last word; None: nobody has said one."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = files.download.read_text().strip()
        if text == "yes":
            return "yes"
        if text == "no":
            return "no"
    return None


def answer(files: Workspace, word: Word) -> None:
    """Notes what somebody says, for the supervisor, which looks now and then.

    Raises:
        OSError: it can't be written.
    """
    files.download.write_text(word + "\n")


def ask_again(files: Workspace) -> None:
    """Forgets the last word."""
    files.download.unlink(missing_ok=True)


def begin(settings: Settings) -> None:
    """At the start a setting of yes or no is the last word; with `ask` it is what somebody said before."""
    if settings.download != "ask":
        answer(settings.files, settings.download)
