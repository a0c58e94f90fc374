"""The pictures and videos of a program's request: decoded like uploads, forwarded as data URLs of pictures."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from app.api.completion_request import Json, PictureSlot
from app.api.errors import ApiError, bad_request
from app.api.remote_pictures import RemotePictures
from app.files.pictures import NormalPicture, PictureError, PictureLimits, media_type
from app.files.uploads import MAX_BYTES, UploadStore
from engine.formats.base64_text import data_url, decoded
from engine.formats.moments import caption, frame_name
from engine.formats.padded import padded

MAX_REQUEST_BYTES = 128 * 1024 * 1024
"""The limit of a request's body, and of the pictures fetched for it: enough for one picture at the upload limit of
64 MB as base64 (86 MB), or sixteen of 6 MB."""
_ESCAPES = {"%2B": "+", "%2F": "/", "%3D": "=", "%0A": "\n", "%0D": "\r", "%20": " "}
_REFUSALS = {
    "picture_empty": "The picture is empty.",
    "picture_unknown": "This is not a picture that can be read: send PNG, JPEG, WebP, GIF, BMP, TIFF, HEIC or AVIF, "
    "or as video_url MP4, MOV or WebM.",
    "picture_broken": "The picture is damaged and cannot be read: save it again.",
    "video_broken": "The video is damaged and cannot be read: save it again as MP4 or WebM.",
    "video_no_frames": "The video has no frame that can be shown: save it again as MP4 or WebM.",
    "video_slow": "The video takes longer than {seconds} s to decode: send a shorter or smaller version.",
    "video_too_long": "The video is longer than nine hours: send a part of it.",
    "picture_too_large": "The picture has more than {megapixels} megapixels: send a smaller version.",
}


class PictureDesk:
    """Checks the pictures and videos of all requests; decodes them in the page's threads and processes."""

    def __init__(self, store: UploadStore, remote: RemotePictures) -> None:
        self._store = store
        self._remote = remote

    async def check(
        self, slots: list[PictureSlot], limits: PictureLimits, most: int, patches: int | None = None
    ) -> None:
        """Replaces the URL in each slot with a data URL of the checked picture, padded if the engine needs `patches`.

        The frames of a video take its place, each after its time; they share what the pictures leave.

        Raises:
            ApiError: there are more than `most`, or one can't be used.
        """
        if len(slots) > most:
            takes = f"at most {most} pictures in one request" if most else "no pictures"
            raise bad_request(f"This model takes {takes}; there are {len(slots)}.", "messages", "too_many_pictures")
        fetched = 0
        videos = [slot for slot in slots if slot.around is not None]
        for slot in slots:
            if slot.around is not None:
                continue
            if slot.url[:5].lower() == "data:":
                data = await asyncio.to_thread(_decode, slot)
            else:
                data = await self._remote.fetch(slot.url, min(MAX_BYTES, MAX_REQUEST_BYTES - fetched), slot.path)
                fetched += len(data)
            try:
                picture = await self._store.normalised(data, limits)
            except PictureError as error:
                raise _refused(error, slot.path) from None
            limits = limits.without(picture.width * picture.height)
            slot.url = await _url(picture, patches)
        if videos:
            room = (most - len(slots) + len(videos)) // len(videos)
            share = replace(limits, together=limits.together // len(videos))
            for slot in videos:
                slot.replace_by(await self._frames(slot, share, room, patches))

    async def _frames(self, slot: PictureSlot, limits: PictureLimits, most: int, patches: int | None) -> list[Json]:
        """The parts of a message that a video becomes."""
        if slot.url[:5].lower() != "data:":
            raise bad_request("A video is sent as a data: URL, such as data:video/mp4;base64,…", slot.path)
        data = await asyncio.to_thread(_decode, slot)
        try:
            frames = await self._store.frames(data, limits, most)
        except PictureError as error:
            raise _refused(error, slot.path) from None
        parts: list[Json] = []
        for picture, seconds in zip(frames.pictures, frames.times, strict=True):
            parts.append({"type": "text", "text": caption(frame_name("", seconds))})
            parts.append({"type": "image_url", "image_url": {"url": await _url(picture, patches)}})
        return parts


async def _url(picture: NormalPicture, patches: int | None) -> str:
    if patches is None:
        return data_url(picture.data, media_type(picture.extension))
    return data_url(await asyncio.to_thread(padded, picture.data, patches), "image/png")


def _decode(slot: PictureSlot) -> bytes:
    head, comma, body = slot.url.partition(",")
    if not comma or head.lower().rpartition(";")[2].strip(" ") != "base64":
        raise bad_request("A data: URL begins with data:image/png;base64, (or its type).", slot.path)
    try:
        data = decoded(_unescaped(body))
    except ValueError:
        raise bad_request("The data: URL's data is not base64.", slot.path) from None
    if len(data) > MAX_BYTES:
        raise bad_request(f"It is larger than {MAX_BYTES // 1024 // 1024} MB.", slot.path)
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
