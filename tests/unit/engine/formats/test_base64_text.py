"""Base64 as programs write it."""

from __future__ import annotations

import base64

import pytest

from engine.formats.base64_text import decoded


@pytest.mark.parametrize("text", ["Zm91cg==", "Zm91cg", "Zm91\ncg==", "Zm91\r\ncg==\r\n", " Z m\t9 1\fcg=="])
def test_white_space_is_allowed_and_padding_may_be_missing(text: str) -> None:
    assert decoded(text) == b"four"


def test_lines_as_mime_wraps_them_are_read() -> None:
    data = bytes(range(256)) * 40
    assert decoded(base64.encodebytes(data).decode()) == data


@pytest.mark.parametrize("text", ["!!!!", "Z", "Zm91cg==Zm91", "Zm91\u00a0cg==", "Zm9-", "图"])
def test_what_is_no_base64_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - binascii's words are its own
        decoded(text)
