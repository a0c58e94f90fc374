"""Shows two answers to the same question, or to two versions of it, beside each other."""

from __future__ import annotations

import asyncio

import chainlit as cl

from app.page.answer.comparison import comparison, usual_pair, versions_of
from app.page.chat import Chat


async def show(chat: Chat, turn_id: str, pair: tuple[int, int] | None = None) -> None:
    """Sends the page of the current context two versions, by their indices; without a pair, the usual one.

    Does nothing if there are no such versions any more, or while this chat's last comparison is not ready.
    """
    turn = chat.find(turn_id)
    if turn is None or chat.comparing.locked():
        return
    versions = versions_of(chat.conversation.versions(turn), chat.language)
    if len(versions) < 2:
        return
    pair = pair or usual_pair(versions, turn)
    if not all(0 <= at < len(versions) for at in pair):
        return
    async with chat.comparing:
        shown = await asyncio.to_thread(comparison, versions, pair, chat.language)
    # The versions of a question share the turn that the page knows.
    await cl.context.emitter.emit("comparison", {**shown, "turn": turn_id})
