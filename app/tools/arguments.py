"""The arguments of a call, and whether they fit the schema of its tool."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from app.talk.parts import ToolCall

_SECONDS = 5.0
_DEEPEST = 16
_MOST_PLACES = 1000
_MOST_VALUES = 200
_log = logging.getLogger("app.tools")


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """The arguments of a call.

    Raises:
        ValueError: they are not a JSON object.
    """
    try:
        arguments = json.loads(call.arguments.strip() or "{}")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(arguments, dict):
        raise ValueError("it must be an object")  # noqa: TRY004 - the same mistake to the model
    return arguments


async def misfit(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    """Where the arguments do not fit the schema; empty if they do, or if the schema itself is of no use.

    In a worker thread, so that no schema of a tool server delays the page.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            return await asyncio.to_thread(_misfit, schema, arguments)
    except TimeoutError:
        _log.warning("arguments could not be checked within %s s", _SECONDS)
    return ""


def _misfit(schema: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
    # Imported here, because the page starts sooner without it.
    from jsonschema import Draft202012Validator, ValidationError  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    try:
        Draft202012Validator(_Plain().of(schema), registry=Registry()).validate(arguments)
    except ValidationError as error:
        return f"{'.'.join(map(str, error.absolute_path)) or 'in all'}: {error.message[:300]}"
    except Exception as error:
        _log.info("a tool's schema can't be used: %s", type(error).__name__)
    return ""


class _Plain:
    """What of a schema is checked: types, limits of numbers, the values to choose from, and what is required.

    The rest is the server's own to check, since a pattern or a reference from it can take any amount of time. Each
    value is checked at one place of this schema, so the time grows with the arguments only.
    """

    def __init__(self) -> None:
        self._places = 0

    def of(self, schema: object, depth: int = 0) -> dict[str, Any]:
        self._places += 1
        if not isinstance(schema, Mapping) or depth > _DEEPEST or self._places > _MOST_PLACES:
            return {}
        plain: dict[str, Any] = {key: schema[key] for key in ("type", "minimum", "maximum") if key in schema}
        if _are_plain(values := schema.get("enum")):
            plain["enum"] = values
        if _are_plain(names := schema.get("required")):
            plain["required"] = names
        if isinstance(properties := schema.get("properties"), Mapping):
            plain["properties"] = {name: self.of(inner, depth + 1) for name, inner in properties.items()}
        if isinstance(schema.get("items"), Mapping):
            plain["items"] = self.of(schema["items"], depth + 1)
        return plain


def _are_plain(values: object) -> bool:
    if not isinstance(values, list) or len(values) > _MOST_VALUES:
        return False
    return all(value is None or isinstance(value, str | int | float) for value in values)
