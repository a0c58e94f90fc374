"""The overrides of Chainlit's messages and steps."""

from __future__ import annotations

import time

import chainlit as cl
import pytest
from chainlit.chat_context import chat_context, chat_contexts
from chainlit.context import ChainlitContext, context_var
from chainlit.emitter import BaseChainlitEmitter
from chainlit.session import HTTPSession

from app.page.workarounds import overrides


async def test_no_message_and_no_step_sleeps_on_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def asleep(seconds: float) -> None:
        raise AssertionError(f"slept for {seconds} s")

    session = HTTPSession(
        id="a session of its own", client_type="webapp", thread_id="thread", user=None, token=None, user_env=None
    )
    context_var.set(ChainlitContext(session, BaseChainlitEmitter(session)))
    monkeypatch.setattr(time, "sleep", asleep)
    overrides.apply()
    message = cl.Message(content="said")
    cl.Step(name="step")
    chat_context.add(message)
    assert session.id not in chat_contexts
