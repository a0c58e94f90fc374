"""What can be set in a chat: the fields of the panel, their defaults, and the check of what comes back.

A browser can send anything under any key, so every value is read here with its type and its limits; what makes no
sense falls back to the default.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.catalog import Model

MAX_STOP_SEQUENCES = 4
"""As many as the OpenAI API allows."""
MAX_STOP_LENGTH = 200
MAX_SYSTEM_PROMPT = 20_000
MAX_NAME = 40
MAX_TEMPERATURE = 2.0


@dataclass(frozen=True)
class ChatSettings:
    """The settings of one turn, checked."""

    model: str
    """The name under which the engine serves it."""
    temperature: float
    top_p: float
    max_tokens: int
    streaming: bool = True
    stop: tuple[str, ...] = ()
    agent_name: str = ""
    """Empty: the page's own name."""
    system_prompt: str = ""
    show_thinking: bool = True


@dataclass(frozen=True)
class Offer:
    """What a chat can choose from: the served models, the first one being the default, and the model's own facts."""

    served: tuple[str, ...]
    model: Model
    context: int
    """In tokens."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Names for people, by served name."""

    @property
    def max_tokens(self) -> int:
        """The default limit of an answer: the model's, or less where the context is small."""
        return max(1, min(self.model.max_tokens, self.context // 2))


def defaults(offer: Offer) -> ChatSettings:
    """The settings before anybody touches them: those of the model's catalogue entry."""
    return ChatSettings(
        model=offer.served[0],
        temperature=offer.model.temperature,
        top_p=offer.model.top_p,
        max_tokens=offer.max_tokens,
    )


def parse(raw: Mapping[str, Any], offer: Offer) -> ChatSettings:
    """Reads what a client sent as its settings; never raises."""
    default = defaults(offer)
    model = raw.get("model")
    return ChatSettings(
        model=model if isinstance(model, str) and model in offer.served else default.model,
        temperature=_number(raw.get("temperature"), default.temperature, 0.0, MAX_TEMPERATURE),
        top_p=_number(raw.get("top_p"), default.top_p, 0.01, 1.0),
        max_tokens=round(_number(raw.get("max_tokens"), default.max_tokens, 1, offer.context)),
        streaming=_switch(raw.get("streaming"), default.streaming),
        stop=stop_sequences(raw.get("stop")),
        agent_name=" ".join(_text(raw.get("agent_name"), MAX_NAME).split()),
        system_prompt=_text(raw.get("system_prompt"), MAX_SYSTEM_PROMPT),
        show_thinking=_switch(raw.get("show_thinking"), default.show_thinking),
    )


def stop_sequences(raw: object) -> tuple[str, ...]:
    """Stop sequences as typed into the panel: escapes such as `\\n` understood, empty and repeated ones dropped."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        return ()
    texts = (unescape(item)[:MAX_STOP_LENGTH] for item in raw if isinstance(item, str))
    return tuple(dict.fromkeys(text for text in texts if text))[:MAX_STOP_SEQUENCES]


def unescape(text: str) -> str:
    r"""`\n`, `\t`, `\\`, `\"` and `\u4e2d` as JSON understands them; a text with any other escape is taken as it is."""
    if "\\" not in text:
        return text
    quoted = text.replace('\\"', '"').replace('"', '\\"')
    try:
        return str(json.loads(f'"{quoted}"'))
    except ValueError:
        return text


def _number(raw: object, default: float, lowest: float, highest: float) -> float:
    """A number, also one written as text (the panel's number fields send text), within its limits."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return default
    try:
        value = float(raw)
    except (ValueError, OverflowError):
        return default
    return min(max(value, lowest), highest) if math.isfinite(value) else default


def _switch(raw: object, default: bool) -> bool:
    return raw if isinstance(raw, bool) else default


def _text(raw: object, longest: int) -> str:
    return raw[:longest] if isinstance(raw, str) else ""
