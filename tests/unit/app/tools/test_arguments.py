"""Arguments against the schemas of tools, which are a tool server's own."""

from typing import Any

import pytest

from app.tools.arguments import misfit
from app.tools.builtin import BUILTIN

WHOLE = {"picture": 1, "left": 0, "top": 0, "right": 1, "bottom": 1}


async def test_our_own_schemas_take_what_they_are_for() -> None:
    schemas = {tool.name: tool.schema for tool in BUILTIN}
    assert set(schemas) == {"crop", "zoom", "measure", "read_text"}
    assert await misfit(schemas["crop"], WHOLE) == ""
    assert "right" in await misfit(schemas["crop"], WHOLE | {"right": 2})
    assert await misfit(schemas["read_text"], {"picture": 1}) == ""
    assert "'picture' is a required" in await misfit(schemas["read_text"], {})


async def test_types_and_values_are_checked_at_any_depth() -> None:
    item = {"type": "object", "properties": {"kind": {"enum": ["a", "b"]}}, "required": ["kind"]}
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    assert await misfit(schema, {"items": [{"kind": "a"}]}) == ""
    assert (await misfit(schema, {"items": [{"kind": "a"}, {"kind": "c"}]})).startswith("items.1.kind: ")
    assert (await misfit(schema, {"items": [{}]})).startswith("items.0: ")
    assert (await misfit(schema, {"items": {}})).startswith("items: ")


async def test_a_schema_that_is_wrong_itself_stops_nothing() -> None:
    assert await misfit({"type": 5}, {}) == ""
    assert await misfit({"$ref": "http://example.org/x"}, {"a": 1}) == ""
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        deep = {"properties": {"a": deep}}
    assert await misfit(deep, {"a": {}}) == ""


DOUBLING = {f"x{n}": {"allOf": [{"$ref": f"#/$defs/x{n + 1}"}] * 2} for n in range(40)}
"""Passed in 2^40 steps."""


# Checked in full, the arguments would take a very long time, or would not fit.
@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": {"type": "integer"}}},
        {"propertyNames": {"pattern": "^(a+)+$"}},
        {"$defs": {**DOUBLING, "x40": True}, "$ref": "#/$defs/x0"},
        {"properties": {"a": {"enum": [[[]]] * 100_000}}},
    ],
)
async def test_what_of_a_schema_can_take_long_is_left_to_the_server(schema: dict[str, Any]) -> None:
    assert await misfit(schema, {"a": "a" * 60 + "!", "a" * 60 + "!": "x"}) == ""
