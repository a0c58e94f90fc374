"""Fetches the bytes of a picture that a request names: a `data:` URL, or a file inside the uploads folder."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

from engine.reader.errors import ApiError

_MOST_BYTES = 64 * 1024 * 1024


def fetch(url: str, uploads: Path) -> bytes:
    """The bytes behind `url`. Blocks while reading a file.

    Raises:
        ApiError: 400, with vLLM's words where it has some.
    """
    scheme = urlsplit(url).scheme.lower()
    if scheme == "data":
        data = _from_data_url(url)
    elif scheme == "file":
        data = _from_file(url, uploads)
    else:
        raise ApiError("The URL must be a data: URL or a file: URL inside the uploads folder.", param="image_url")
    if len(data) > _MOST_BYTES:
        raise ApiError(f"A picture may have at most {_MOST_BYTES // 1024**2} MB.", param="image_url")
    return data


def _from_data_url(url: str) -> bytes:
    head, comma, payload = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise ApiError("Only base64 data URLs are supported for now.", param="image_url")
    try:
        return base64.b64decode(unquote_to_bytes(payload), validate=True)
    except binascii.Error as error:
        raise ApiError(f"The data URL is not valid base64: {error}.", param="image_url") from error


def _from_file(url: str, uploads: Path) -> bytes:
    parts = urlsplit(url)
    name = unquote_to_bytes(parts.path)
    if parts.netloc not in {"", "localhost"} or b"\0" in name:
        raise ApiError("A file: URL must name a file of this machine.", param="image_url")
    try:
        # Resolved first: a link or `..` must not lead outside.
        path = Path(name.decode(errors="surrogateescape")).resolve()
        if not path.is_relative_to(uploads.resolve()):
            raise ApiError("The file path must be a subpath of the uploads folder.", param="image_url")
        with path.open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except (OSError, RuntimeError) as error:
        raise ApiError("The picture's file cannot be read: it is missing or no file.", param="image_url") from error
