"""A picture's data URL."""

from __future__ import annotations

import pytest

from app.api.pictures import _unescaped


@pytest.mark.parametrize(
    ("body", "expected"), [("a+b/c=", "a+b/c="), ("a%2Bb%2fc%3D", "a+b/c="), ("%41%41", "%41%41"), ("%252B", "%252B")]
)
def test_only_what_base64_needs_is_unescaped(body: str, expected: str) -> None:
    assert _unescaped(body) == expected
