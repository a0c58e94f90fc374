"""Joins the pieces of tool calls in a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.talk.parts import LONGEST_NAME, MOST_ARGUMENT_CHARACTERS, ToolCall

MOST_CALLS = 16
"""Of one reply."""


class CallsReader:
    """The calls of one reply, in order, as far as they have arrived.

    An engine sends the id and the name of each once, and its arguments in pieces.
    """

    def __init__(self) -> None:
        self._calls: dict[int, ToolCall] = {}

    @property
    def calls(self) -> list[ToolCall]:
        """The calls so far; the last one may be incomplete."""
        return [self._calls[index] for index in sorted(self._calls)]

    def feed(self, pieces: list[Mapping[str, Any]]) -> None:
        """Takes the `tool_calls` of one event.

        Raises:
            AttributeError, TypeError, ValueError: they are not pieces of calls, or there is no end to them.
        """
        for piece in pieces:
            index = self._index(piece)
            call = self._calls.setdefault(index, ToolCall("", "", ""))
            if len(self._calls) > MOST_CALLS:
                raise ValueError("too many tool calls")
            function = piece.get("function") or {}
            call.id = call.id or _text(piece.get("id"))
            call.name = call.name or _text(function.get("name"))
            if arguments := function.get("arguments"):
                call.arguments += arguments if isinstance(arguments, str) else _no_text(arguments)
            if len(call.arguments) > MOST_ARGUMENT_CHARACTERS or max(len(call.id), len(call.name)) > LONGEST_NAME:
                raise ValueError("a tool call without an end")

    def _index(self, piece: Mapping[str, Any]) -> int:
        index = piece.get("index")
        if isinstance(index, int):
            return index
        # A reply that is not streamed has no index.
        return len(self._calls) if piece.get("id") or not self._calls else max(self._calls)


def _text(value: object) -> str:
    return value[: LONGEST_NAME + 1] if isinstance(value, str) else ""


def _no_text(value: object) -> str:
    raise TypeError(f"arguments that are {type(value).__name__}")
