"""Removes costs from Chainlit's messages and steps, so that a long chat does not slow everyone else down."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

from chainlit.chat_context import chat_context


def apply() -> None:
    """Patches Chainlit for this process. Idempotent."""
    # Creating a message or a step blocks the event loop for a millisecond, to make its timestamp unique. Nothing here
    # relies on that, and a chat of 500 turns blocked the process for a second.
    awake = SimpleNamespace(sleep=lambda seconds: None)
    for module in ("chainlit.message", "chainlit.step"):
        vars(import_module(module))["time"] = awake
    # Chainlit keeps a list of a session's messages for its own `edit_message` only, which `arrivals.py` replaces;
    # here `Conversation` is the only record.
    vars(chat_context)["add"] = lambda message: message
