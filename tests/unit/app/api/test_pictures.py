"""A picture's or a video's data URL."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.api.completion_request import CompletionRequest, PictureSlot
from app.api.errors import ApiError
from app.api.pictures import PictureDesk, _decode, _unescaped
from app.api.remote_pictures import RemotePictures
from app.files.pictures import PictureLimits
from app.files.uploads import UploadStore
from tests.instruments.pictures import png, shop_sign
from tests.instruments.videos import animation


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


def request(*parts: dict[str, Any]) -> CompletionRequest:
    return CompletionRequest(orjson.dumps({"messages": [{"role": "user", "content": parts}]}))


def media(kind: str, data: bytes) -> dict[str, Any]:
    return {"type": kind, kind: {"url": "data:;base64," + base64.b64encode(data).decode()}}


async def checked(wanted: CompletionRequest, store: UploadStore, most: int) -> list[dict[str, Any]]:
    await PictureDesk(store, RemotePictures("")).check(wanted.pictures, PictureLimits(802_816, 7154), most)
    parts: list[dict[str, Any]] = orjson.loads(wanted.encode())["messages"][0]["content"]
    return parts


async def test_a_videos_frames_take_its_place_each_after_its_time(tmp_path: Path) -> None:
    store = UploadStore(tmp_path)
    words, video = {"type": "text", "text": "Compare."}, media("video_url", animation("GIF"))
    parts = await checked(request(video, media("image_url", png(shop_sign("x"))), words, video), store, most=5)
    assert [part.get("text", "a picture") for part in parts] == [
        "Frame at 0:00:", "a picture", "Frame at 0:05:", "a picture", "a picture", "Compare.",
        "Frame at 0:00:", "a picture", "Frame at 0:05:", "a picture",
    ]  # fmt: skip
    store.close()


async def test_a_video_that_can_not_be_used_is_refused_in_a_sentence(tmp_path: Path) -> None:
    store = UploadStore(tmp_path)
    with pytest.raises(ApiError) as refused:
        await checked(request(media("video_url", b"\0\0\0\x18ftypmp42" + b"\0" * 40)), store, most=5)
    assert (refused.value.code, refused.value.param) == ("video_broken", "messages[0].content[0]")
    with pytest.raises(ApiError, match="data: URL"):
        await checked(request({"type": "video_url", "video_url": {"url": "file:///etc/passwd"}}), store, most=5)
    store.close()
