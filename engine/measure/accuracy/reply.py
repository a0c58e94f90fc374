"""One request to the engine, and its reply."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine import reasoning_tags
from engine.catalog import Model
from engine.plans.launch import LaunchPlan

if TYPE_CHECKING:
    import aiohttp

_ITS_FAULT = {400, 413, 422}
"""The HTTP statuses for an item that the engine can't process, e.g. one too long for its context."""


class AskingError(Exception):
    """The engine did not answer; the text contains its error. Earlier answers are kept."""


@dataclass(frozen=True)
class Call:
    """A tool that the model calls."""

    id: str
    name: str
    arguments: str
    """JSON, unless the model made a mistake."""


@dataclass(frozen=True)
class Reply:
    """What the engine replied; `finish` is the API's finish reason."""

    text: str
    finish: str
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


async def ask(
    session: aiohttp.ClientSession, plan: LaunchPlan, model: Model, name: str, body: Mapping[str, Any]
) -> Reply | None:
    """The reply to a chat, its reasoning apart; None: the engine can't process it. `name` is for the error.

    Raises:
        AskingError: the engine refuses, or its reply does not follow the API.
    """
    async with session.post(f"{plan.base_url}/chat/completions", json=body) as reply:
        if reply.status in _ITS_FAULT:
            return None
        said = await reply.text(errors="replace")
        if reply.status != 200:
            raise AskingError(f"The engine refuses {name} ({reply.status}): {said[:300]}")
    try:
        return _read(json.loads(said)["choices"][0], model.thinking_marks)
    except (ValueError, LookupError, TypeError, AttributeError):
        raise AskingError(f"The engine's reply to {name} does not follow the API: {said[:300]}") from None


def _read(choice: Mapping[str, Any], marks: Sequence[str] | None) -> Reply:
    message = choice["message"]
    reasoning = message.get("reasoning") or message.get("reasoning_content") or ""
    text = (message.get("content") or "").strip()
    if marks:
        # If the engine has already removed the reasoning, there are no tags left.
        more, text = reasoning_tags.split(text, reasoning_tags.Marks(*marks))
        reasoning = reasoning or more
    calls = [
        Call(str(call.get("id") or ""), str(call["function"]["name"]), str(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    ]
    return Reply(text.strip(), choice.get("finish_reason") or "", reasoning, tuple(calls))
