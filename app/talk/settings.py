"""The settings of a chat: the fields of the panel, their defaults, and the validation of input.

A browser can send anything under any key, so every value is checked here for its type and its limits; invalid values
fall back to the default.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.talk.control_tokens import whole
from engine.catalog import Instant, Model, UnknownModelError, find_model

MAX_STOP_SEQUENCES = 4
"""The OpenAI API's limit."""
MAX_STOP_LENGTH = 200
MAX_SYSTEM_PROMPT = 20_000
MAX_NAME = 40
MAX_TEMPERATURE = 2.0
MAX_STORED_BYTES = 64 * 1024
"""The largest settings that are stored, as JSON in UTF-8."""
_LONGEST_NUMBER = 40
_LARGEST_NUMBER = 1e15
_LONGEST_MODEL = 500
_MOST_TYPED = 2 * MAX_STOP_SEQUENCES
_LONGEST_TYPED = 6 * MAX_STOP_LENGTH
"""The most characters of a stop sequence as typed, where each character may be an escape."""


@dataclass(frozen=True)
class ChatSettings:
    """The validated settings of one turn."""

    model: str
    """The model's name on the engine."""
    temperature: float
    top_p: float
    max_tokens: int
    streaming: bool = True
    stop: tuple[str, ...] = ()
    agent_name: str = ""
    """Empty means the page's own name."""
    system_prompt: str = ""
    show_thinking: bool = True
    thinking: bool = True
    """Whether the model thinks first, if it has that switch."""
    tools: bool = False
    """Whether the model may call tools."""


@dataclass(frozen=True)
class Offer:
    """What a chat can choose from: the served models, the default first, and the default model's facts."""

    served: tuple[str, ...]
    model: Model
    context: int
    """In tokens."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """Display names, by served name."""
    tools: bool = False
    """Whether the engine and its model can call tools."""

    @property
    def max_tokens(self) -> int:
        """The default limit of an answer: the model's, or less if the context is small."""
        return max(1, min(self.model.max_tokens, self.context // 2))

    def instant(self, name: str) -> Instant | None:
        """How to make the served model `name` answer without thinking; None if it has no such switch."""
        if name == self.served[0]:
            return self.model.instant
        try:
            # A server may have other models besides the plan's.
            return find_model(name).instant
        except UnknownModelError:
            return None


def defaults(offer: Offer, instant: Instant | None = None) -> ChatSettings:
    """The default settings from the model's catalogue entry; `instant` has those for answers without thinking."""
    temperature, top_p = offer.model.temperature, offer.model.top_p
    if instant:
        temperature = temperature if instant.temperature is None else instant.temperature
        top_p = top_p if instant.top_p is None else instant.top_p
    return ChatSettings(
        model=offer.served[0],
        temperature=temperature,
        top_p=top_p,
        max_tokens=offer.max_tokens,
        thinking=instant is None,
    )


def parse(raw: Mapping[str, Any], offer: Offer) -> ChatSettings:
    """Validates a client's settings; never raises."""
    model = raw.get("model")
    model = model if isinstance(model, str) and model in offer.served else offer.served[0]
    instant = None if _switch(raw.get("thinking"), True) else offer.instant(model)
    default = defaults(offer, instant)
    return ChatSettings(
        model=model,
        temperature=_number(raw.get("temperature"), default.temperature, 0.0, MAX_TEMPERATURE),
        top_p=_number(raw.get("top_p"), default.top_p, 0.01, 1.0),
        max_tokens=round(_number(raw.get("max_tokens"), default.max_tokens, 1, offer.context)),
        streaming=_switch(raw.get("streaming"), default.streaming),
        stop=stop_sequences(raw.get("stop")),
        agent_name=" ".join(_text(raw.get("agent_name"), MAX_NAME).split()),
        system_prompt=_text(raw.get("system_prompt"), MAX_SYSTEM_PROMPT),
        show_thinking=_switch(raw.get("show_thinking"), default.show_thinking),
        thinking=default.thinking,
        tools=_switch(raw.get("tools"), False) and offer.tools,
    )


def stored(raw: object) -> dict[str, Any]:
    """The part of a browser's or a file's settings to store, as sent: known fields of the right type; never raises.

    At most `MAX_STORED_BYTES`: a system prompt that does not fit is cut.
    """
    if not isinstance(raw, Mapping):
        return {}
    # An emptied field of the panel arrives as None, which is a choice too.
    known = {name: raw[name] for name in _STORED if name in raw}
    kept: dict[str, Any] = {name: None if value is None else _STORED[name](value) for name, value in known.items()}
    kept = {name: value for name, value in kept.items() if value is not None or known[name] is None}
    while (over := _size(kept) - MAX_STORED_BYTES) > 0:
        # A character takes at most six bytes.
        kept["system_prompt"] = kept["system_prompt"][: -max(1, over // 6)]
    return kept


def _size(value: Mapping[str, Any]) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def follow_thinking(chosen: Mapping[str, Any], shown: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    """The settings chosen in the panel, without a temperature and top-p that the user did not choose.

    The panel sends all of its values. If `chosen` switches thinking and a value is still the one `shown`, the default
    of the previous mode, it is dropped, so that the default of the new mode applies.
    """
    before, now = parse(shown, offer), parse(chosen, offer)
    if before.thinking == now.thinking:
        return dict(chosen)
    usual = defaults(offer, None if before.thinking else offer.instant(before.model))
    untouched = {
        name
        for name in ("temperature", "top_p")
        if all(math.isclose(getattr(now, name), getattr(other, name)) for other in (before, usual))
    }
    return {name: value for name, value in chosen.items() if name not in untouched}


def stop_sequences(raw: object) -> tuple[str, ...]:
    r"""Stop sequences as typed into the panel: escapes such as `\n` decoded, empty and repeated ones dropped."""
    if not isinstance(raw, Sequence) or isinstance(raw, str | bytes):
        return ()
    texts = (whole(unescape(item))[:MAX_STOP_LENGTH] for item in raw if isinstance(item, str))
    return tuple(dict.fromkeys(text for text in texts if text))[:MAX_STOP_SEQUENCES]


def unescape(text: str) -> str:
    r"""Decodes `\n`, `\t`, `\\`, `\"` and `\u4e2d` like JSON; a text with any other escape is returned unchanged."""
    if "\\" not in text:
        return text
    quoted = text.replace('\\"', '"').replace('"', '\\"')
    try:
        return str(json.loads(f'"{quoted}"'))
    except ValueError:
        return text


def _number(raw: object, default: float, lowest: float, highest: float) -> float:
    """A number within its limits, possibly given as text, as the panel's number fields do."""
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
    return whole(raw[:longest]) if isinstance(raw, str) else ""


def _kept_number(raw: object) -> int | float | str | None:
    """The panel's number fields send text."""
    if isinstance(raw, str):
        return whole(raw) if len(raw) <= _LONGEST_NUMBER else None
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return raw if abs(raw) <= _LARGEST_NUMBER else None


def _kept_switch(raw: object) -> bool | None:
    return raw if isinstance(raw, bool) else None


def _kept_text(longest: int) -> Callable[[object], str | None]:
    return lambda raw: _text(raw, longest) if isinstance(raw, str) else None


def _kept_list(raw: object) -> list[str] | None:
    if not isinstance(raw, list):
        return None
    return [_text(item, _LONGEST_TYPED) for item in raw[:_MOST_TYPED] if isinstance(item, str)]


_STORED: Mapping[str, Callable[[object], Any]] = {
    "model": _kept_text(_LONGEST_MODEL),
    "temperature": _kept_number,
    "top_p": _kept_number,
    "max_tokens": _kept_number,
    "streaming": _kept_switch,
    "stop": _kept_list,
    "agent_name": _kept_text(MAX_NAME),
    "system_prompt": _kept_text(MAX_SYSTEM_PROMPT),
    "show_thinking": _kept_switch,
    "thinking": _kept_switch,
    "tools": _kept_switch,
}
"""Returns what to store of each field of `ChatSettings`; None means nothing."""
