"""Base64 as programs write it."""

from __future__ import annotations

import base64

_WHITE_SPACE = dict.fromkeys(map(ord, "\t\n\f\r "))


def decoded(text: str) -> bytes:
    """The bytes of base64 in which white space may be anywhere, and whose padding may be missing.

    This is how browsers read a `data:` URL (the "forgiving-base64 decode" of https://infra.spec.whatwg.org).

    Raises:
        ValueError: it is no base64.
    """
    packed = text.translate(_WHITE_SPACE)
    return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)


def data_url(data: bytes, media_type: str) -> str:
    """The bytes as a `data:` URL."""
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"
