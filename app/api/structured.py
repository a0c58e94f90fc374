"""Answers in a form that the program gives: `response_format`, or `text.format` in `/v1/responses`.

The engine holds the model to it. What is checked here is that a schema is one, since engines answer a wrong schema with
an inner error, or ignore it.
"""

from __future__ import annotations

import json
from typing import Any

from app.api.errors import bad_request

_LONGEST_SCHEMA = 16 * 1024
"""As JSON, in bytes: checking one takes time, and so does what engines make of it before they answer."""


def check_format(wanted: object, path: str, schema_in: str | None = "json_schema") -> None:
    """Checks what a program sent as the form of its answer, at `path` in its request.

    `schema_in` is the object that holds the schema; None: the form itself does.

    Raises:
        ApiError: it is none (400).
    """
    if wanted is None:
        return
    if not isinstance(wanted, dict) or not isinstance(wanted.get("type"), str):
        raise bad_request(f'{path} must be an object with a type: "text", "json_object" or "json_schema".', path)
    if wanted["type"] != "json_schema":
        return
    holder = wanted if schema_in is None else wanted.get(schema_in)
    schema = holder.get("schema") if isinstance(holder, dict) else None
    where = ".".join(filter(None, (path, schema_in, "schema")))
    if not isinstance(schema, dict):
        raise bad_request(f"{where} must be a JSON schema, an object.", where)
    _check_schema(schema, where)


def _check_schema(schema: dict[str, Any], where: str) -> None:
    from jsonschema.exceptions import SchemaError  # noqa: PLC0415 - few programs send a schema; the start does not load it
    from jsonschema.validators import Draft202012Validator  # noqa: PLC0415

    try:
        size = len(json.dumps(schema))
        if size > _LONGEST_SCHEMA:
            raise bad_request(f"{where} is {size:,} bytes long; {_LONGEST_SCHEMA:,} are taken.", where)
        # Whatever `$schema` says: engines read every schema as one of today's, and checking older drafts can take long.
        Draft202012Validator.check_schema({name: value for name, value in schema.items() if name != "$schema"})
    except SchemaError as error:
        inside = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
        raise bad_request(f"{where}{inside} is no valid JSON schema: {error.message[:200]}", where) from None
    except RecursionError:
        raise bad_request(f"{where} is nested too deeply.", where) from None
