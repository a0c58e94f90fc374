"""A program's schema for its answer: a good one is passed on unchanged, a wrong one is named with its place."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.responses_request import input_pictures

RECEIPT = {"type": "object", "properties": {"total": {"type": "number"}}, "required": ["total"]}


def chat(form: object) -> CompletionRequest:
    return CompletionRequest(orjson.dumps({"messages": [{"role": "user", "content": "x"}], "response_format": form}))


def responses(form: object) -> CompletionRequest:
    return CompletionRequest(orjson.dumps({"input": "x", "text": {"format": form}}), input_pictures)


def schema(schema: object) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "receipt", "schema": schema}}


@pytest.mark.parametrize("form", [None, {"type": "text"}, {"type": "json_object"}, schema(RECEIPT)])
def test_a_good_form_is_passed_on(form: dict[str, Any] | None) -> None:
    assert orjson.loads(chat(form).encode()).get("response_format") == form


def test_the_newer_api_has_it_elsewhere() -> None:
    form = {"type": "json_schema", "name": "receipt", "schema": RECEIPT}
    assert orjson.loads(responses(form).encode())["text"] == {"format": form}
    with pytest.raises(ApiError, match=r"text\.format\.schema\.properties\.total\.type is no valid JSON schema"):
        responses(form | {"schema": {"properties": {"total": {"type": "money"}}}})


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ("json", "response_format must be an object with a type"),
        ({"schema": RECEIPT}, "response_format must be an object with a type"),
        ({"type": "json_schema"}, r"response_format\.json_schema\.schema must be a JSON schema, an object"),
        (schema([]), r"response_format\.json_schema\.schema must be a JSON schema, an object"),
        (schema({"type": "money"}), r"schema\.type is no valid JSON schema: 'money'"),
        (schema({"anyOf": [{"type": "string"}, {"required": "total"}]}), r"schema\.anyOf\[1\]\.required is no valid"),
        (schema({"description": "x" * 17_000}), r"schema is 17,\d+ bytes long"),
        (schema({"$schema": 5, "type": "money"}), r"schema\.type is no valid"),
        (schema({"$schema": "http://[", "type": "money"}), r"schema\.type is no valid"),
    ],
)
def test_a_wrong_form_is_named_with_its_place(form: object, reason: str) -> None:
    with pytest.raises(ApiError, match=reason) as refused:
        chat(form)
    assert refused.value.status == 400
