"""Values are counted before a body is parsed, and what no route can handle is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.json_values import ValueCounter, has_more_values, sound_object

TRICKY: list[Any] = [
    [],
    [[], {}, [1, 2, {"a": "b,[{"}]],
    {"a": 'x",[{\\', 'b"': "\\\\", "c,": ["\\", '"', "\\\\\\", ","]},
    {"text": "Hello, world, [1] {2}" * 50, "more": ["\n", "\t,", "é,", "店,"]},
]


@pytest.mark.parametrize("value", TRICKY)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_only_what_is_outside_of_strings_counts_wherever_a_chunk_ends(value: Any, size: int) -> None:
    def expected(part: Any) -> int:
        if isinstance(part, dict | list):
            inner = list(part.values()) if isinstance(part, dict) else part
            return 1 + max(0, len(inner) - 1) + sum(map(expected, inner))
        return 0

    data, counter = json.dumps(value, ensure_ascii=False).encode(), ValueCounter()
    counted = [counter.feed(data[at : at + size]) for at in range(0, len(data), size)]
    assert counted[-1] == expected(value)


def test_empty_lists_are_too_many_and_a_long_text_is_not() -> None:
    assert has_more_values(b"[" + b"[]," * 2_000_000 + b"[]]", 500_000)
    assert not has_more_values(json.dumps(["word, " * 2_000_000]).encode(), 500_000)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{", b"[" * 100_000, b'{"a":1e400}', b'{"a":NaN}',
        b'{"a":"\\ud800"}', b'{"a":"\\u0000"}', b'{"\\u0000":1}', b'{"a":["b",{"c":"\\u0000"}]}',
        b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", b'{"a":[' + b"0," * 20_000 + b"0]}",
    ],
)  # fmt: skip
def test_what_no_route_can_handle_is_no_sound_object(body: bytes) -> None:
    assert sound_object(body, 10_000) is None


def test_what_people_write_is_sound() -> None:
    said = {"name": "店铺 \\u0000 ,,, \U0001f600", "list": [1, 2.5, None, True], "deep": {"a": {"b": ["c"]}}}
    assert sound_object(json.dumps(said).encode(), 10_000) == said
