"""Values are counted before a body is parsed, and values that no route can handle are found."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.json_values import ValueCounter, sound_object, too_many_values

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
    assert too_many_values(b"[" + b"[]," * 2_000_000 + b"[]]", 500_000)
    assert not too_many_values(json.dumps(["word, " * 2_000_000]).encode(), 500_000)


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


def test_peoples_text_is_sound() -> None:
    said = {"name": "店铺 \\u0000 ,,, \U0001f600", "list": [1, 2.5, None, True], "deep": {"a": {"b": ["c"]}}}
    assert sound_object(json.dumps(said).encode(), 10_000) == said


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def counted(value: Any) -> tuple[int, int]:
    """Its containers and commas, and how deep it is nested."""
    if not isinstance(value, list | dict):
        return 0, 0
    inner = [counted(one) for one in (value.values() if isinstance(value, dict) else value)]
    values = 1 + max(0, len(inner) - 1) + sum(values for values, _ in inner)
    return values, 1 + max((depth for _, depth in inner), default=0)


@given(ANY, st.booleans())
def test_values_and_levels_are_counted_and_strings_are_not(value: Any, as_bytes: bool) -> None:
    values, depth = counted(value)
    written = json.dumps(value, ensure_ascii=False)
    text: str | bytes = written.encode("utf-8", "surrogatepass") if as_bytes else written
    assert not too_many_values(text, values, depth)
    if values:
        assert too_many_values(text, values - 1)
    if depth:
        assert too_many_values(text, values, depth - 1)


@pytest.mark.parametrize("text", ["1,2;3,[4],{5}\n" * 300_000, 'print("[{,}]")\n' * 100_000])
def test_a_long_text_with_the_signs_of_json_is_one_value(text: str) -> None:
    assert not too_many_values(json.dumps(["say", text]), 20, 4)
    assert not too_many_values(json.dumps(["say", text]).encode(), 20, 4)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 4_000_000,
        '"\\' * 2_000_000,
        '"' + '\\"' * 2_000_000,
        '""' * 2_000_000,
        "[]," * 1_300_000,
        '{"a":' * 800_000,
    ],
)
def test_invalid_json_is_not_scanned_again_and_again(text: str) -> None:
    began = time.process_time()
    too_many_values("[[" + text + ",", 1, 1)
    too_many_values(text + "," * 30_000, 20_000, 64)
    # Quadratic work would take hours.
    assert time.process_time() - began < 30
