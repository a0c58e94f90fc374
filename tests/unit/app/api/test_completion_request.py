"""What is taken out of a request, and bodies that would keep the parser busy."""

from __future__ import annotations

import orjson
import pytest

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError


@pytest.mark.parametrize("value", [b"[]", b"1", b"{}", b'{"a":[[[]]]}'])
def test_a_body_of_too_many_values_is_refused_unparsed(value: bytes) -> None:
    many = b",".join([value] * 600_000)
    with pytest.raises(ApiError) as refused:
        # Were it parsed, that it is no JSON would be told.
        CompletionRequest(b'{"messages":[{"content":"x"}],"a":[' + many + b"],")
    assert (refused.value.status, refused.value.code) == (400, "too_many_values")


def test_a_large_picture_is_one_value() -> None:
    picture = b'{"type":"image_url","image_url":{"url":"data:image/png;base64,' + b"A" * 20_000_000 + b'"}}'
    request = CompletionRequest(b'{"messages":[{"role":"user","content":[' + picture + b"]}]}")
    assert len(request.pictures[0].url) > 20_000_000


def test_what_is_null_is_not_set() -> None:
    part = {"type": "text", "text": "x", "image_url": None, "input_audio": None, "note": None}
    picture = {"type": "image_url", "image_url": {"url": "data:,", "file": None, "detail": None}, "uuid": None}
    fields = {"messages": [{"role": "user", "content": [part, picture]}], "stream": None, "n": None, "stop": [None]}
    request = CompletionRequest(orjson.dumps(fields))
    [seen] = orjson.loads(request.encode())["messages"]
    assert set(orjson.loads(request.encode())) == {"messages", "stop"}
    assert seen["content"][0] == {"type": "text", "text": "x", "note": None}
    assert seen["content"][1] == {"type": "image_url", "image_url": {"url": "data:,", "detail": None}}
    assert len(request.pictures) == 1
