"""A chat's title, made by the model after the first answer, as long as nobody else needs the engine."""

from __future__ import annotations

import asyncio
import json
import re

import httpx2

from app.talk.control_tokens import neutralise
from app.talk.conversation import Turn
from app.telemetry.activity import activity
from app.upstream.client import EngineClient

_SECONDS = 20.0
_LOOK_SECONDS = 0.1
_MOST_CHARACTERS = 1500
"""What the model gets of the question, and of the answer."""
_MOST_TOKENS = 40
_MOST_BYTES = 64 * 1024
"""The longest reply that is read."""
_LONGEST = 60
_REQUEST = (
    "Question:\n{question}\n\nAnswer:\n{answer}\n\n"
    "Write a title of at most six words for this conversation, in the language of the question. Only the title."
)
_AROUND = " \t\"'“”‘’«»《》「」*#.。"


def makes_titles(client: EngineClient, wanted: str) -> bool:
    """Whether this engine makes titles. `wanted` is KIMI_TITLES: `1`, `0`, or empty for engines with room beside chats.

    The reader makes none, and neither does a model that thinks about everything.
    """
    traits, model = client.plan.traits, client.model
    thinks = model.thinking_marks is not None and not (model.instant and model.instant.chat_template_kwargs)
    return not traits.reads_only and not thinks and (wanted == "1" or (not wanted and traits.side_requests))


async def make_title(client: EngineClient, turn: Turn) -> str:
    """The title for a chat that begins with this turn; empty if the engine is needed meanwhile, or makes none."""
    if _busy():
        return ""
    asking = asyncio.create_task(_ask(client, turn))
    try:
        async with asyncio.timeout(_SECONDS):
            while not asking.done():
                await asyncio.wait([asking], timeout=_LOOK_SECONDS)
                if not asking.done() and _busy():
                    return ""
        return _title(asking.result())
    except (TimeoutError, httpx2.HTTPError, LookupError, TypeError, ValueError):
        return ""
    finally:
        asking.cancel()


def _busy() -> bool:
    return bool(activity.streams or activity.waiting)


async def _ask(client: EngineClient, turn: Turn) -> str:
    answer = turn.answer.text if turn.answer else ""
    words = _REQUEST.format(question=turn.text[:_MOST_CHARACTERS], answer=answer[:_MOST_CHARACTERS])
    body = {
        "model": client.plan.served_name,
        "messages": [{"role": "user", "content": neutralise(words)}],
        "max_tokens": _MOST_TOKENS,
        "temperature": 0,
        "stream": False,
    }
    if client.model.instant:
        body["chat_template_kwargs"] = dict(client.model.instant.chat_template_kwargs)
    reply = b""
    async with client.passing("POST", "chat/completions", json.dumps(body).encode()) as response:
        response.raise_for_status()
        async for some in response.aiter_bytes():
            reply += some
            if len(reply) > _MOST_BYTES:
                return ""
    return str(json.loads(reply)["choices"][0]["message"]["content"] or "")


def _title(said: str) -> str:
    """The first line without quotation marks and the like; empty if it is no title."""
    line = next((line for line in said.splitlines() if line.strip()), "")
    line = re.sub(r"^\W*(title|标题)\s*[:：]", "", line, flags=re.IGNORECASE).strip(_AROUND)
    return line if len(line) <= _LONGEST and neutralise(line) == line else ""
