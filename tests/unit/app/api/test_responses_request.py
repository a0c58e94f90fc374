"""Requests to `/v1/responses`: what is found in them, and what gets past the check."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.responses_request import input_pictures

FILE = "file:///etc/passwd"


def request(given: Any, **fields: Any) -> CompletionRequest:
    return CompletionRequest(orjson.dumps({"model": "m", "input": given, **fields}), input_pictures)


def user(*parts: Any) -> list[Any]:
    return [{"role": "user", "content": list(parts)}]


def test_pictures_are_found_and_replaced_where_they_stand() -> None:
    called = {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image", "image_url": "b"}]}
    text = {"type": "input_text", "text": "What is it?", "image_url": None}
    asked = request([*user({"type": "input_image", "image_url": "a", "detail": "auto", "file_id": None}, text), called])
    assert [slot.url for slot in asked.pictures] == ["a", "b"]
    assert asked.pictures[1].path == "input[1].output[0]"
    asked.pictures[0].url = "checked"
    [message, _] = orjson.loads(asked.encode())["input"]
    picture = {"type": "input_image", "image_url": "checked", "detail": "auto"}
    assert message["content"] == [picture, {"type": "input_text", "text": "What is it?"}]


def test_nothing_is_kept_by_the_engine_and_functions_pass() -> None:
    tools = [{"type": "function", "name": "look", "parameters": {"type": "object"}}]
    sent = orjson.loads(request("Hello", store=True, tools=tools, previous_response_id=None, background=False).encode())
    assert sent == {"model": "m", "input": "Hello", "store": False, "tools": tools, "background": False}


@pytest.mark.parametrize(
    "given",
    [
        None, [], 7, {}, ["x"], [None], [{"type": "item_reference", "id": "x"}],
        [{"type": ["message"], "content": "x"}],
        [{"role": "user", "content": {"type": "input_image", "image_url": FILE}}],
        [{"role": "user", "content": "x", "image_url": FILE}], user("x"), user({"image_url": FILE}),
        user({"type": "input_image", "file_id": "x"}), user({"type": "input_image", "image_url": {"url": FILE}}),
        user({"type": "input_image", "image_url": "data:,", "file_id": "x"}),
        user({"type": "image_url", "image_url": {"url": FILE}}), user({"type": "input_file", "file_url": FILE}),
        user({"type": "input_text", "text": "x", "image_url": FILE}),
        [{"type": "function_call_output", "output": [{"type": "input_audio", "data": "x"}]}],
    ],
)  # fmt: skip
def test_no_other_item_or_part_carries_a_picture_past_the_check(given: Any) -> None:
    with pytest.raises(ApiError) as refused:
        request(given)
    assert refused.value.status == 400
    assert (refused.value.param or "").startswith("input")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"), ({"background": True}, "background"),
        ({"conversation": "c"}, "conversation"), ({"prompt": {"id": "p"}}, "prompt"),
        ({"instructions": [{"type": "input_image"}]}, "instructions"),
        ({"tools": [{"type": "mcp", "server_url": "http://127.0.0.1/"}]}, "tools[0]"), ({"tools": {}}, "tools[0]"),
    ],
)  # fmt: skip
def test_what_needs_a_server_that_keeps_or_fetches_things_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as refused:
        request("Hello", **fields)
    assert (refused.value.status, refused.value.param) == (400, param)
