"""Pieces of tool calls in a stream."""

import json
from typing import Any

import pytest

from app.talk.parts import LONGEST_NAME, MOST_ARGUMENT_CHARACTERS
from app.upstream.stream import BrokenStreamError, StreamReader
from app.upstream.tool_calls import MOST_CALLS


def event(*calls: Any) -> bytes:
    choice = {"index": 0, "delta": {"tool_calls": list(calls)}, "finish_reason": None}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def piece(index: int, arguments: Any, **more: Any) -> dict[str, Any]:
    name = {"name": more.pop("name")} if "name" in more else {}
    return {"index": index, **more, "function": {"arguments": arguments, **name}}


def test_calls_in_pieces_are_joined_whatever_their_order() -> None:
    reader = StreamReader()
    reader.feed(event(piece(0, "", id="functions.a:0", name="a")))
    reader.feed(event(piece(1, '{"y"', id="functions.b:1", name="b")))
    reader.feed(event(piece(0, "{}"), piece(1, ":1}")))
    assert [(call.id, call.name, call.arguments) for call in reader.calls] == [
        ("functions.a:0", "a", "{}"),
        ("functions.b:1", "b", '{"y":1}'),
    ]


def test_calls_of_a_reply_that_is_not_streamed_are_read() -> None:
    calls = [{"id": str(n), "type": "function", "function": {"name": "a", "arguments": "{}"}} for n in range(2)]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    reader = StreamReader()
    reader.read_whole(json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode())
    assert [call.id for call in reader.calls] == ["0", "1"]


@pytest.mark.parametrize(
    "hostile",
    [
        event("x"),
        event(piece(0, 5, id="1", name="a")),
        event(*(piece(n, "", id=str(n), name="a") for n in range(MOST_CALLS + 1))),
        event(piece(0, "x" * (MOST_ARGUMENT_CHARACTERS + 1), id="1", name="a")),
        event(piece(0, "", id="1", name="a" * (LONGEST_NAME + 1))),
        event(piece(0, "", id="1" * (LONGEST_NAME + 1), name="a")),
    ],
)
def test_what_is_no_call_or_has_no_end_breaks_the_stream(hostile: bytes) -> None:
    with pytest.raises(BrokenStreamError):
        StreamReader().feed(hostile)
