"""The baseline: this chat as a tutorial writes it. One socket message per chunk, the picture unchanged.

Run by `chainlit run` with OPENAI_API_BASE and OPENAI_API_KEY set; no part of the product.
"""

from __future__ import annotations

import os
from pathlib import Path

import chainlit as cl
from openai import AsyncOpenAI

_client = AsyncOpenAI(base_url=os.environ["OPENAI_API_BASE"], api_key=os.environ["OPENAI_API_KEY"])
_SYSTEM = {"role": "system", "content": "You are a helpful assistant."}


@cl.on_chat_start
async def start() -> None:
    """Begins an empty conversation."""
    cl.user_session.set("history", [_SYSTEM])


@cl.on_message
async def answer(message: cl.Message) -> None:
    """Asks the engine with all that was said, and passes on each chunk by itself."""
    history = cl.user_session.get("history")
    assert isinstance(history, list)
    content: list[dict[str, object]] = [{"type": "text", "text": message.content}]
    for element in message.elements:
        if element.path:
            url = Path(element.path).resolve().as_uri()
            content.append({"type": "image_url", "image_url": {"url": url}})
    history.append({"role": "user", "content": content})
    reply = cl.Message(content="")
    stream = await _client.chat.completions.create(
        model=os.environ["NAIVE_MODEL"], messages=history, stream=True, temperature=0.7, max_tokens=8192
    )
    async with cl.Step(name="Thinking", type="tool", show_input=False) as step:
        async for chunk in stream:
            if not chunk.choices:
                continue
            delta = chunk.choices[0].delta
            if reasoning := getattr(delta, "reasoning", None):
                await step.stream_token(reasoning)
            if delta.content:
                await reply.stream_token(delta.content)
    history.append({"role": "assistant", "content": reply.content})
    await reply.send()
