"""The pictures of a program's request: decoded, normalised like uploads, forwarded as data URLs."""

from __future__ import annotations

import asyncio
import base64

from app.api.completion_request import PictureSlot
from app.api.errors import ApiError, bad_request
from app.api.remote_pictures import RemotePictures
from app.files.pictures import PictureError, PictureLimits
from app.files.uploads import MAX_BYTES, UploadStore
from engine.formats.base64_text import decoded
from engine.formats.padded import padded

MAX_REQUEST_BYTES = 128 * 1024 * 1024
"""The limit of a request's body, and of the pictures fetched for it: enough for one picture at the upload limit of
64 MB as base64 (86 MB), or sixteen of 6 MB."""
_ESCAPES = {"%2B": "+", "%2F": "/", "%3D": "=", "%0A": "\n", "%0D": "\r", "%20": " "}
_REFUSALS = {
    "picture_empty": "The picture is empty.",
    "picture_unknown": "This is not a picture that can be read: send PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF.",
    "picture_broken": "The picture is damaged and cannot be read: save it again.",
    "picture_too_large": "The picture has more than {megapixels} megapixels: send a smaller version.",
}


class PictureDesk:
    """Checks the pictures of all requests; decodes them in the page's two decoding threads."""

    def __init__(self, store: UploadStore, remote: RemotePictures) -> None:
        self._store = store
        self._remote = remote

    async def check(
        self, slots: list[PictureSlot], limits: PictureLimits, most: int, patches: int | None = None
    ) -> None:
        """Replaces the URL in each slot with a data URL of the checked picture, padded if the engine needs `patches`.

        Raises:
            ApiError: there are more than `most`, or one can't be used.
        """
        if len(slots) > most:
            takes = f"at most {most} pictures in one request" if most else "no pictures"
            raise bad_request(f"This model takes {takes}; there are {len(slots)}.", "messages", "too_many_pictures")
        fetched = 0
        for slot in slots:
            if slot.url[:5].lower() == "data:":
                data = await asyncio.to_thread(_decode, slot)
            else:
                data = await self._remote.fetch(slot.url, min(MAX_BYTES, MAX_REQUEST_BYTES - fetched), slot.path)
                fetched += len(data)
            try:
                picture = await self._store.normalised(data, limits)
            except PictureError as error:
                raise _refused(error, slot.path) from None
            if patches is None:
                slot.url = _data_url(picture.data, picture.extension)
            else:
                slot.url = _data_url(await asyncio.to_thread(padded, picture.data, patches), "png")


def _decode(slot: PictureSlot) -> bytes:
    head, comma, body = slot.url.partition(",")
    if not comma or head.lower().rpartition(";")[2].strip(" ") != "base64":
        raise bad_request("A data: URL of a picture begins with data:image/png;base64, (or its type).", slot.path)
    try:
        data = decoded(_unescaped(body))
    except ValueError:
        raise bad_request("The data: URL's data is not base64.", slot.path) from None
    if len(data) > MAX_BYTES:
        raise bad_request(f"The picture is larger than {MAX_BYTES // 1024 // 1024} MB.", slot.path)
    return data


def _unescaped(body: str) -> str:
    """Base64 with its URL escapes decoded; a full unquote would block for seconds for nothing."""
    if "%" not in body:
        return body
    for escaped, character in _ESCAPES.items():
        body = body.replace(escaped, character).replace(escaped.lower(), character)
    return body


def _refused(error: PictureError, path: str) -> ApiError:
    return bad_request(_REFUSALS[error.key].format(**error.values), path, error.key)


def _data_url(data: bytes, extension: str) -> str:
    kind = "jpeg" if extension == "jpg" else extension
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
