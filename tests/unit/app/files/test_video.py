"""Frames of videos and of animated pictures, with their times."""

from __future__ import annotations

import asyncio
import io
import struct
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from app.files.frames import container_of, take_frames
from app.files.limited_work import Made
from app.files.pictures import PictureError, PictureLimits
from app.files.uploads import UploadStore
from app.files.video import Budget, take
from tests.instruments.bad_files import whole
from tests.instruments.videos import COLOURS, animation, bomb, sound_alone, video

LIMITS = PictureLimits(802_816, 7154)
PATIENCE = 60


def taken(data: bytes, most: int = 64, limits: PictureLimits = LIMITS) -> Made:
    return take(data, Budget(limits, most, seconds=PATIENCE))


def colour(data: bytes) -> str:
    """Which of the colours a frame has."""
    with Image.open(io.BytesIO(data)) as image:
        found = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert isinstance(found, tuple)
    known = {name: ImageColor.getrgb(name) for name in COLOURS}
    return min(known, key=lambda name: sum(abs(a - b) for a, b in zip(found, known[name], strict=True)))


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "libx264"), ("mov", "mpeg4"), ("webm", "libvpx-vp9"), ("matroska", "libx264")]
)
def test_frames_come_evenly_with_their_times_and_only_those_that_show_something_new(container: str, codec: str) -> None:
    made = taken(video(3, container=container, codec=codec))
    assert [colour(picture.data) for picture in made.pictures] == ["red", "lime", "blue"]
    assert [int(seconds) for seconds in made.facts["times"]] == [0, 1, 2]
    assert made.facts["duration"] == pytest.approx(2.9)
    assert made.facts["unchanged"] == 4, "seven were looked at, two for each second"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_a_video(kind: str) -> None:
    made = taken(animation(kind))
    assert [colour(picture.data) for picture in made.pictures] == list(COLOURS)
    assert made.facts["times"] == [0, 1, 2, 3, 4, 5]
    assert made.facts["duration"] == 6


@pytest.mark.parametrize("keys", [1, 7, 1000])
def test_no_more_frames_than_fit_are_taken_from_beginning_to_end(keys: int) -> None:
    made = taken(video(6, keys=keys), most=3)
    assert len(made.pictures) == 3
    first, middle, last = made.facts["times"]
    assert (first, last) == (0, pytest.approx(5.9))
    assert 1.4 < middle <= 3.1, "a key frame may stand in for one a little later"


def test_frames_share_the_pixels_that_there_are() -> None:
    limits = PictureLimits(802_816, 7154, together=4 * 200_704)
    made = taken(video(6, size=(1280, 720)), limits=limits)
    assert len(made.pictures) == 4
    assert all(picture.width * picture.height <= 200_704 for picture in made.pictures)
    assert made.pictures[0].width > 590


def test_the_time_is_that_of_the_frames_whatever_the_header_says() -> None:
    data = bytearray(video(3))
    for atom, at in ((b"mvhd", 16), (b"mdhd", 16)):
        place = data.index(atom) + 4
        data[place + at : place + at + 4] = struct.pack(">I", 2**31)
    assert taken(bytes(data)).facts["duration"] == pytest.approx(2.9)


def test_what_is_left_of_a_video_that_breaks_off_is_used() -> None:
    data = video(6, container="matroska", keys=5)
    made = taken(data[: len(data) * 2 // 3])
    assert made.pictures
    assert made.facts["duration"] < 5.9


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as refused:
        taken(data)
    return refused.value.key


def test_what_is_no_video_is_refused() -> None:
    data = video(3)
    assert refusal(data[: len(data) // 2]) == "video_broken", "the index of an MP4 comes last"
    assert refusal(b"\0\0\0\x18ftypmp42" + b"\0" * 40) == "video_broken"
    assert refusal(b"\x1a\x45\xdf\xa3" + b"\0" * 40) == "video_broken"
    assert refusal(sound_alone()) == "video_no_frames"
    playlist = b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    assert container_of(playlist) == ""


def test_a_frame_that_would_fill_the_memory_is_refused() -> None:
    assert refusal(video(1, rate=1, size=(6400, 6000), codec="mpeg4", container="mov")) == "picture_too_large"


@pytest.mark.parametrize("kind", ["HEIF", "PNG", "PDF", "GIF"])
def test_pictures_are_no_videos(kind: str) -> None:
    assert container_of(whole(kind)) == ""


async def test_a_video_that_takes_too_long_is_given_up() -> None:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PictureError) as refused:
            await take_frames(bomb(), LIMITS, 64, seconds=0)
    assert (refused.value.key, refused.value.values) == ("video_slow", {"seconds": 0})


async def test_a_video_is_stored_as_its_frames_and_the_user_hears_what_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "incoming"
    path.write_bytes(video(3, sound=True))
    store = UploadStore(tmp_path / "uploads")
    stored = await store.take(path, "clip.mp4", "t", LIMITS, 64)
    assert [picture.name for picture in stored.pictures] == ["clip.mp4 · 0:00", "clip.mp4 · 0:01", "clip.mp4 · 0:02"]
    assert not stored.shown_as_it_is
    assert [notice.key for notice in stored.notices] == ["video_frames", "video_unchanged", "video_sound"]
    assert stored.notices[0].values == {"name": "clip.mp4", "shown": 3, "length": "0:03"}
    path.write_bytes(b"\0\0\0\x18ftypmp42" + b"\0" * 40)
    with pytest.raises(PictureError) as refused:
        await store.take(path, "no.mp4", "t", LIMITS, 64)
    assert (refused.value.key, refused.value.values) == ("video_broken", {"name": "no.mp4"})
    store.close()
