"""What is taken out of Chainlit's messages and steps, so that a page with many of them serves everybody else too."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

from chainlit.chat_context import chat_context


def apply() -> None:
    """Changes Chainlit's classes for this process. A second call changes nothing more."""
    # Each message and each step sleeps for a millisecond on the event loop when it is made, to get a time of its own.
    # Nothing here goes by those times, and a chat of 500 turns stopped the page for a second.
    awake = SimpleNamespace(sleep=lambda seconds: None)
    for module in ("chainlit.message", "chainlit.step"):
        vars(import_module(module))["time"] = awake
    # Chainlit keeps a list of a session's messages for its own `edit_message` only, which `arrivals.py` replaces:
    # `Conversation` is the one owner of what has been said.
    vars(chat_context)["add"] = lambda message: message
