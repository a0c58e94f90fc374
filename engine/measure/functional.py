"""Whether a server with OpenAI's API does what this chat needs: the checks behind `./start.sh verify`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from engine.catalog import Model, UnknownModelError, find_model
from engine.formats.padded import padded
from engine.measure.accuracy.scoring import character_errors
from engine.measure.accuracy.sets import OUR_PICTURES, READ_ALL, folder_set, picture_url
from engine.system.local_http import get_json, post
from engine.system.outgoing import masked

PICTURE = "sign-en.webp"
"""The one of our pictures that is read: a few large words."""
_MOST_ERRORS = 0.5
"""The share of its characters that may be wrong; a model that sees nothing gets none right."""
_PATIENCE = 3600.0
"""Seconds without a byte: the first question may compile kernels."""
_MAX_TOKENS = 4096
_MARKS = ("<think>", "</think>", "◁think▷", "◁/think▷")
_LLAMA = "llamacpp"
"""What llama-server calls the owner of its models. It leaves the marks in, and the page takes the thoughts off."""
_PATCHES = 4096
"""To so many a picture is scaled for it, as by default on the page."""
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "The name of the city"}},
            "required": ["city"],
        },
    },
}
Json = dict[str, Any]


class CheckFailedError(Exception):
    """The server does not do it; the text is one sentence with the way out."""


@dataclass(frozen=True)
class Server:
    """A server with OpenAI's API. `key` is a secret."""

    base_url: str
    """With `/v1`."""
    key: str
    model: str = ""
    """The name that is asked for; empty: the first that is served."""


@dataclass
class Said:
    """What a streamed answer held; `seconds` is from its first token to its last."""

    content: str = ""
    reasoning: str = ""
    tool_calls: dict[int, dict[str, str]] = field(default_factory=dict)
    tokens: int = 0
    first: float = 0.0
    """Seconds until the first token."""
    seconds: float = 0.0


@dataclass(frozen=True)
class Served:
    """The model that answers."""

    name: str
    owner: str
    model: Model | None
    """Its catalogue entry; None: it has none."""


def find_served(server: Server) -> Served:
    """The model under the name that is asked for.

    Raises:
        CheckFailedError: the server does not answer, refuses the key, or serves no such model.
    """
    shown = masked(server.base_url)
    try:
        listed = get_json(f"{server.base_url}/models", server.key, _PATIENCE)["data"]
        names = {str(entry["id"]): str(entry.get("owned_by", "")) for entry in listed}
    except (OSError, HTTPException) as error:
        raise CheckFailedError(f"{shown}/models does not answer ({error}): see its log, and the key.") from None
    except (ValueError, LookupError, TypeError, AttributeError):
        raise CheckFailedError(f"{shown} is no OpenAI API: it needs the path to /v1.") from None
    if not names:
        raise CheckFailedError(f"{shown} serves no model yet.")
    name = server.model or next(iter(names))
    if name not in names:
        known = ", ".join(names)
        raise CheckFailedError(f"{name} is not served: ask for {known}, or start it with --served-model-name {name}.")
    try:
        return Served(name, names[name], find_model(name))
    except UnknownModelError:
        return Served(name, names[name], None)


def check_thinking(server: Server, served: Served) -> str:
    """Asks one question; says how fast the answer came, and that its thoughts are separate.

    Raises:
        CheckFailedError: there is no answer, or thoughts stand in it.
    """
    said = ask(server, served, "What is the capital of France? Answer in one sentence.")
    speed = f"first token after {said.first:.2f} s, {said.tokens / max(said.seconds, 1e-3):.1f} tokens/s"
    marks = [mark for mark in _MARKS if mark in said.content]
    if marks and served.owner == _LLAMA:
        return f"between marks in the answer, as llama-server leaves them: the page takes them off; {speed}"
    if marks:
        parser = _parser(served, "reasoning")
        raise CheckFailedError(f"Thoughts stand in the answer ({marks[0]}): start the engine with {parser}.")
    if not said.content.strip():
        raise CheckFailedError(
            "The answer is empty: see the engine's log, and whether its chat template fits the model."
        )
    if said.reasoning:
        return f"apart from the answer; {speed}"
    if served.model and served.model.thinking_marks:
        raise CheckFailedError(
            f"{served.name} thinks, but no thoughts came: start it with {_parser(served, 'reasoning')}."
        )
    return f"none, and none in the answer; {speed}"


def check_picture(server: Server, served: Served) -> str:
    """Has one of our pictures read.

    Raises:
        CheckFailedError: the server takes no picture, or its text is not in the answer.
    """
    if served.model and not served.model.pictures_per_prompt:
        return "not asked: this model takes none"
    item, read = next((item, read) for item, read in folder_set(OUR_PICTURES).items() if item.name == PICTURE)
    # llama-server reads no WebP, and scales pictures in another way than the model's processor.
    data = padded(read(), _PATCHES) if served.owner == _LLAMA else read()
    picture = {"type": "image_url", "image_url": {"url": picture_url(data)}}
    said = ask(server, served, [picture, {"type": "text", "text": READ_ALL}])
    if served.model and served.model.tiny:
        return "taken; this model reads no text"
    wrong, length = character_errors(item.expected[0], said.content)
    if wrong > _MOST_ERRORS * length:
        raise CheckFailedError(f"The picture says {item.expected[0]!r}, and the answer {said.content[:200]!r}.")
    return f"read, {wrong} of {length} characters wrong"


def check_tools(server: Server, served: Served) -> str:
    """Has a tool called.

    Raises:
        CheckFailedError: no call came, or none that can be read.
    """
    if served.model and not any(parsers.tools for parsers in served.model.parsers.values()):
        return "not asked: no tool calls are known of this model"
    said = ask(server, served, "What is the weather in Beijing now? Call the tool.", tools=[_TOOL])
    call = said.tool_calls.get(0)
    if call is None:
        raise CheckFailedError(f"No tool was called: start the engine with {_parser(served, 'tools')}.")
    try:
        city = json.loads(call["arguments"])["city"]
    except (ValueError, LookupError, TypeError):
        raise CheckFailedError(f"The tool's arguments can't be read: {call['arguments'][:200]!r}.") from None
    if call["name"] != _TOOL["function"]["name"]:  # type: ignore[index]
        raise CheckFailedError(f"A tool was called that there is not: {call['name'][:100]!r}.")
    return f"parsed: get_weather for {city}"


CHECKS: dict[str, Callable[[Server, Served], str]] = {
    "thinking": check_thinking,
    "picture": check_picture,
    "tool call": check_tools,
}
"""In this order, after the model was found by its name."""


def ask(server: Server, served: Served, content: str | list[Json], **fields: Any) -> Said:
    """Asks one question and takes its stream in.

    Raises:
        CheckFailedError: the server refuses it, goes away, or sends no stream of this API.
    """
    body = {
        "model": served.name, "messages": [{"role": "user", "content": content}], "max_tokens": _MAX_TOKENS,
        "stream": True, "stream_options": {"include_usage": True}, **_sampling(served.model), **fields,
    }  # fmt: skip
    said, began, first = Said(), time.monotonic(), None
    try:
        for event in _events(server, body):
            if _take(said, event):
                first = first or time.monotonic()
                said.seconds = time.monotonic() - first
    except (OSError, HTTPException) as error:
        raise CheckFailedError(f"The engine refuses the question, or is gone ({_words(error)}).") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise CheckFailedError(f"What came is no stream of OpenAI's API ({error!r}).") from None
    said.first = (first or time.monotonic()) - began
    return said


def _sampling(model: Model | None) -> Json:
    if model is None or not model.sampling:
        return {}
    return {"temperature": model.temperature, "top_p": model.top_p}


def _events(server: Server, body: Json) -> Iterator[Json]:
    with post(f"{server.base_url}/chat/completions", server.key, body, _PATIENCE) as reply:
        for line in reply:
            data = line.decode().strip().removeprefix("data:").strip()
            if data == "[DONE]":
                return
            if data and not data.startswith(":"):
                yield json.loads(data)
    # http.client ends the lines of a torn connection as it does those of a whole answer.
    raise ConnectionError("its answer broke off, without [DONE]")


def _take(said: Said, event: Json) -> bool:
    """Adds what one event says; whether it held a piece of the answer."""
    if usage := event.get("usage"):
        said.tokens = int(usage["completion_tokens"])
    delta = event["choices"][0]["delta"] if event["choices"] else {}
    content, calls = delta.get("content") or "", delta.get("tool_calls") or []
    reasoning = delta.get("reasoning") or delta.get("reasoning_content") or ""
    said.content += content
    said.reasoning += reasoning
    for call in calls:
        kept = said.tool_calls.setdefault(call.get("index", 0), {"name": "", "arguments": ""})
        function = call.get("function") or {}
        kept["name"] += function.get("name") or ""
        kept["arguments"] += function.get("arguments") or ""
    return bool(content or reasoning or calls)


def _words(error: OSError | HTTPException) -> str:
    read = getattr(error, "read", None)
    return f"{error}: {read(300).decode(errors='replace')}" if read else str(error) or type(error).__name__


def _parser(served: Served, kind: str) -> str:
    """The engine's flag that this model needs, by the catalogue."""
    flags = {"reasoning": "--reasoning-parser", "tools": "--enable-auto-tool-choice --tool-call-parser"}
    found = {getattr(parsers, kind) for parsers in served.model.parsers.values()} if served.model else set()
    return f"{flags[kind]} {' or '.join(sorted(filter(None, found))) or 'NAME'}"
