"""The engine's stream of bytes → pieces of reasoning and answer, usage, and the finish reason. No I/O, no clock.

Every token passes through here, so a chunk's path is short: split into lines, one `orjson.loads`, two look-ups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from app.talk.figures import MAX_COUNT, MAX_FINISH_REASON, Usage
from app.talk.parts import ToolCall
from app.talk.places import MOST_PLACES
from app.upstream.tool_calls import CallsReader
from engine.reasoning_tags import Kind, Marks, Piece, Splitter, Start

_LONGEST_EVENT = 16 * 1024 * 1024


class BrokenStreamError(Exception):
    """The engine sent something other than a stream of chat completions, or ended it early."""


class StreamedError(Exception):
    """The engine reported an error inside its stream; the message is the engine's."""


class StreamReader:
    """Reads one streamed answer.

    `marks` are the tags that the model writes around its reasoning. If the engine leaves them in the answer, they are
    parsed here. `start` is the state in which a continued answer resumes.
    """

    def __init__(self, marks: Marks | None = None, start: Start = Start.FRESH) -> None:
        self.finish_reason: str | None = None
        self.usage: Usage | None = None
        self.done = False
        self.engine_splits = False
        """Whether the engine itself separates reasoning from answer; then tags are no longer parsed."""
        self.lines: list[object] = []
        """The lines of pictures that the engine read, as it sent them."""
        self._splitter = Splitter(marks, start) if marks else None
        self._rest = b""
        self._calls = CallsReader()

    @property
    def calls(self) -> list[ToolCall]:
        """The tools that the model calls, as far as they have arrived."""
        return self._calls.calls

    def feed(self, chunk: bytes) -> list[Piece]:
        """Parses bytes from the network; returns their pieces in order.

        Raises:
            BrokenStreamError: they are not server-sent events of JSON.
            StreamedError: the engine reports an error.
        """
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > _LONGEST_EVENT:
            raise BrokenStreamError("an event without an end")
        pieces: list[Piece] = []
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip(), pieces)
        return pieces

    def read_whole(self, body: bytes, beginning: str = "") -> list[Piece]:
        """Reads an answer that was not streamed; `beginning` is what of it the engine repeats.

        Raises:
            BrokenStreamError: the body is not a chat completion.
        """
        reply = _object(body)
        pieces: list[Piece] = []
        try:
            choice = reply["choices"][0]
            message = choice["message"]
            if beginning and isinstance(content := message.get("content"), str):
                message = {**message, "content": content.removeprefix(beginning)}
            self._delta(message, pieces)
            if usage := reply.get("usage"):
                self.usage = read_usage(usage)
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise BrokenStreamError("a reply that is not a chat completion") from error
        self.finish_reason = _reason(choice.get("finish_reason") or "stop")
        return pieces + self.release()

    def finish(self) -> list[Piece]:
        """Ends the stream; returns text held back as a possible tag.

        Raises:
            BrokenStreamError: the connection ended before the answer did.
        """
        pieces = self.release()
        if not self.done and self.finish_reason is None:
            raise BrokenStreamError("the stream ended before the answer did")
        return pieces

    def release(self) -> list[Piece]:
        """Returns text held back as a possible tag, for a stream that was stopped early."""
        return self._splitter.finish() if self._splitter else []

    def _event(self, payload: bytes, pieces: list[Piece]) -> None:
        if payload == b"[DONE]":
            self.done = True
            return
        event = _object(payload)
        try:
            choices = event.get("choices")
            if choices:
                choice = choices[0]
                self._delta(choice.get("delta") or {}, pieces)
                if reason := choice.get("finish_reason"):
                    self.finish_reason = _reason(reason)
            elif "error" in event:
                raise StreamedError(error_text(event))
            if usage := event.get("usage"):
                self.usage = read_usage(usage)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise BrokenStreamError("an event that is not part of a chat completion") from error

    def _delta(self, delta: Mapping[str, Any], pieces: list[Piece]) -> None:
        # vLLM uses `reasoning`; SGLang and llama.cpp use `reasoning_content`.
        if reasoning := delta.get("reasoning") or delta.get("reasoning_content"):
            if not isinstance(reasoning, str):
                raise BrokenStreamError("reasoning that is not text")
            self.engine_splits = True
            pieces.append(Piece(Kind.REASONING, reasoning))
        if content := delta.get("content"):
            if not isinstance(content, str):
                raise BrokenStreamError("content that is not text")
            if self._splitter is None or self.engine_splits:
                pieces.append(Piece(Kind.ANSWER, content))
            else:
                pieces.extend(self._splitter.feed(content))
        if isinstance(lines := delta.get("lines"), list):
            self.lines += lines[: MOST_PLACES - len(self.lines)]
        if calls := delta.get("tool_calls"):
            self._calls.feed(calls)
            pieces.append(Piece(Kind.CALL, ""))


def read_usage(usage: Mapping[str, Any]) -> Usage:
    """The usage object of the OpenAI API."""
    details = usage.get("completion_tokens_details") or {}
    prompt = usage.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=_count(usage.get("prompt_tokens")) or 0,
        completion_tokens=_count(usage.get("completion_tokens")) or 0,
        reasoning_tokens=_count(details.get("reasoning_tokens")),
        cached_tokens=_count(prompt.get("cached_tokens")),
    )


def _count(value: object) -> int | None:
    """A number of tokens; None for anything else, since figures are stored."""
    return value if isinstance(value, int) and 0 <= value <= MAX_COUNT else None


def _reason(value: object) -> str:
    if not isinstance(value, str):
        raise BrokenStreamError("a finish reason that is not text")
    return value[:MAX_FINISH_REASON]


def error_text(body: object) -> str:
    """The engine's message in an error body: `{"error": {"message": …}}` or vLLM's older `{"message": …}`."""
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        if isinstance(inner, Mapping):
            return str(inner.get("message") or inner)
        return str(inner)
    return str(body)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise BrokenStreamError("an event that is not JSON") from error
    if not isinstance(event, dict):
        raise BrokenStreamError("an event that is not an object")
    return event
