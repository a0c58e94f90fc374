"""Bodies that would block the parser."""

from __future__ import annotations

import pytest

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError


@pytest.mark.parametrize("value", [b"[]", b"1", b"{}", b'{"a":[[[]]]}'])
def test_a_body_of_too_many_values_is_refused_unparsed(value: bytes) -> None:
    many = b",".join([value] * 600_000)
    with pytest.raises(ApiError) as refused:
        # If it were parsed, the error would be invalid JSON.
        CompletionRequest(b'{"messages":[{"content":"x"}],"a":[' + many + b"],")
    assert (refused.value.status, refused.value.code) == (400, "too_many_values")


def test_a_large_picture_is_one_value() -> None:
    picture = b'{"type":"image_url","image_url":{"url":"data:image/png;base64,' + b"A" * 20_000_000 + b'"}}'
    request = CompletionRequest(b'{"messages":[{"role":"user","content":[' + picture + b"]}]}")
    assert len(request.pictures[0].url) > 20_000_000
