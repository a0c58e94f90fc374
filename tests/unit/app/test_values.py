"""Counting the values of a JSON text without parsing it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.values import too_many_values

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
def test_what_is_no_json_is_not_looked_at_again_and_again(text: str) -> None:
    began = time.process_time()
    too_many_values("[[" + text + ",", 1, 1)
    too_many_values(text + "," * 30_000, 20_000, 64)
    # Quadratic work would take hours.
    assert time.process_time() - began < 30
