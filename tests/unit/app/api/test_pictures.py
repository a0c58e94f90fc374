"""A picture's data URL."""

from __future__ import annotations

import pytest

from app.api.completion_request import PictureSlot
from app.api.pictures import _decode, _unescaped


@pytest.mark.parametrize(
    ("body", "expected"), [
        ("a+b/c=", "a+b/c="), ("a%2Bb%2fc%3D", "a+b/c="), ("ab%0D%0acd%20", "ab\r\ncd "), ("%41%41", "%41%41"),
        ("%252B", "%252B"),
    ],
)  # fmt: skip
def test_only_what_base64_needs_is_unescaped(body: str, expected: str) -> None:
    assert _unescaped(body) == expected


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,Zm91\ncg==", "data:image/png; base64,Zm91%0Acg%3D%3D", "DATA:;BASE64, Zm91cg"]
)
def test_white_space_in_a_data_url_is_no_fault(url: str) -> None:
    assert _decode(PictureSlot({"url": url}, "messages[0].content[0]")) == b"four"
