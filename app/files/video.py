"""Takes frames of a video with PyAV, and of an animated picture with Pillow.

All packets are read first: their times say how long the video really is and where its key frames are, whatever its
header says, so nothing depends on an index or on seeking. Only what is needed is decoded.
"""

from __future__ import annotations

import bisect
import io
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageChops

from app.files import limited_work
from app.files.frames import container_of
from app.files.limited_work import Made
from app.files.pictures import (
    LEAST_PIXELS,
    MAX_PIXELS,
    NormalPicture,
    PictureError,
    PictureLimits,
    encode,
    opened,
    plain,
)

_PER_SECOND = 2
"""More frames of a short video would only show the same again."""
_MOST_PACKETS = 1_000_000
"""Nine hours at 30 frames a second."""
_HASTE = 0.4
"""After this share of its processor time, only key frames are decoded."""
_MOST_PIXELS = 36_000_000
"""Those of a frame; 8K has 33 million."""
_COVER = 0x400
"""FFmpeg's mark of a stream that is one attached picture."""
_THUMBNAIL = (64, 64)
_SAME = 8
"""Levels of grey by which no part of a frame may differ from the one before, for it to show nothing new."""
_SIDEWAYS = {
    90: Image.Transpose.ROTATE_90,
    -90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    -180: Image.Transpose.ROTATE_180,
}


@dataclass(frozen=True)
class Budget:
    """What may be taken of one video: at most `most` frames, within the limits, in `seconds` of processor time."""

    limits: PictureLimits
    most: int
    seconds: float

    def count(self, duration: float, frames: int) -> int:
        """How many frames to take of a video of this duration in seconds, and of so many frames."""
        room = self.limits.together // min(self.limits.pixels, LEAST_PIXELS)
        return max(1, min(self.most, frames, room, math.ceil(duration * _PER_SECOND) + 1))

    def each(self, count: int) -> PictureLimits:
        """The limits of each of `count` frames."""
        return replace(self.limits, pixels=max(1, min(self.limits.pixels, self.limits.together // count)))


def take(data: bytes, budget: Budget) -> Made:
    """Takes frames evenly; those that show nothing new are left out.

    Raises:
        PictureError: it is broken, too large, or has no frames.
    """
    container = container_of(data)
    return _of_video(data, container, budget) if container else _of_animation(data, budget)


class _Film:
    """The frames that were taken."""

    def __init__(self) -> None:
        self.pictures: list[NormalPicture] = []
        self.times: list[float] = []
        self.unchanged = 0
        self._last: Image.Image | None = None

    def add(self, image: Image.Image, seconds: float, limits: PictureLimits, *, lossy: bool) -> None:
        """Appends a frame, unless it shows nothing new."""
        small = image.convert("RGB").resize(_THUMBNAIL, Image.Resampling.BOX)
        if self._last is not None:
            differences = ImageChops.difference(small, self._last).getextrema()
            if max(int(highest) for _, highest in differences) < _SAME:  # type: ignore[misc] # three bands
                self.unchanged += 1
                return
        self._last = small
        self.pictures.append(encode(image, limits, lossy=lossy))
        self.times.append(round(seconds, 3))

    def made(self, duration: float, *, sound: bool) -> Made:
        """Everything, for the page."""
        if not self.pictures:
            raise PictureError("video_no_frames")
        facts = {"times": self.times, "duration": duration, "unchanged": self.unchanged, "sound": sound}
        return Made(self.pictures, facts)


def _of_video(data: bytes, container: str, budget: Budget) -> Made:
    try:
        # The format is given and no other file is opened: FFmpeg also knows playlists, which name other files.
        with av.open(io.BytesIO(data), "r", format=container, io_open=_no_other_file) as video:
            return _read(video, budget)
    except (av.FFmpegError, ValueError, MemoryError, OverflowError) as error:
        raise PictureError("video_broken") from error


def _no_other_file(*_: Any) -> Any:
    raise OSError("a video may not name other files")


def _read(video: InputContainer, budget: Budget) -> Made:
    stream = next((one for one in video.streams.video if not one.disposition & _COVER), None)
    if stream is None:
        raise PictureError("video_no_frames")
    if stream.width * stream.height > _MOST_PIXELS:
        raise PictureError("picture_too_large", megapixels=_MOST_PIXELS // 1_000_000)
    reel = _Reel(stream, _packets(video, stream))
    if not reel.packets:
        raise PictureError("video_no_frames")
    film, began = _Film(), time.process_time()
    count = budget.count(reel.duration, len(reel.packets))
    limits = budget.each(count)
    for frame, seconds in reel.frames(count, lambda: time.process_time() - began > budget.seconds * _HASTE):
        film.add(_picture(frame, stream), seconds, limits, lossy=True)
    return film.made(reel.duration, sound=bool(video.streams.audio))


def _packets(video: InputContainer, stream: VideoStream) -> list[Packet[VideoStream]]:
    packets = []
    try:
        for packet in video.demux(stream):
            if packet.size and packet.pts is not None:
                packets.append(packet)
            if len(packets) > _MOST_PACKETS:
                raise PictureError("video_too_long")
    except av.FFmpegError:
        # The file breaks off: what came before is used.
        pass
    return packets


class _Reel:
    """The packets of a video, and the decoder of its frames."""

    def __init__(self, stream: VideoStream, packets: list[Packet[VideoStream]]) -> None:
        self.packets = packets
        self._base = float(stream.time_base or 1)
        self._decoder = stream.codec_context
        self._decoder.thread_count = 1
        self._decoder.options = {"max_pixels": str(_MOST_PIXELS)}
        self._next = 0
        times = [packet.pts or 0 for packet in packets]
        self._first, self._last = (min(times), max(times)) if times else (0, 0)
        keys = sorted((times[at], at) for at, packet in enumerate(packets) if packet.is_keyframe)
        self._key_times = [time for time, _ in keys]
        self._keys = [at for _, at in keys]
        self._done: list[VideoFrame] = []

    @property
    def duration(self) -> float:
        """In seconds, from the first frame to the last."""
        return (self._last - self._first) * self._base

    def frames(self, count: int, in_haste: Callable[[], bool]) -> Iterator[tuple[VideoFrame, float]]:
        """About `count` frames from the first to the last, evenly, with their times in seconds.

        A key frame at most half the distance before the wanted time is taken instead, since it alone has to be
        decoded; in haste, any key frame.
        """
        distance = (self._last - self._first) / max(1, count - 1)
        before: int | None = None
        for number in range(count):
            wanted = round(self._first + number * distance)
            key = bisect.bisect_right(self._key_times, wanted) - 1
            if key >= 0 and (in_haste() or (0 < number < count - 1 and wanted - self._key_times[key] <= distance / 2)):
                wanted = self._key_times[key]
            frame = self._frame_at(wanted, self._keys[key] if key >= 0 else 0)
            if frame is not None and frame.pts is not None and (before is None or frame.pts > before):
                before = frame.pts
                yield frame, max(0, frame.pts - self._first) * self._base

    def _frame_at(self, wanted: int, key: int) -> VideoFrame | None:
        """The first frame at or after `wanted`, decoded from the packet `key` on; else the last one before it."""
        if key > self._next:
            self._decoder.flush_buffers()
            self._next, self._done = key, []
        found = next((frame for frame in self._done if (frame.pts or 0) >= wanted), None)
        last = self._done[-1] if self._done else None
        while found is None and self._next <= len(self.packets):
            self._done = self._decoded()
            last = self._done[-1] if self._done else last
            found = next((frame for frame in self._done if (frame.pts or 0) >= wanted), None)
        return found or last

    def _decoded(self) -> list[VideoFrame]:
        packet = self.packets[self._next] if self._next < len(self.packets) else None
        self._next += 1
        try:
            frames: list[VideoFrame] = self._decoder.decode(packet)
        except av.FFmpegError:
            frames = []
        return frames


def _picture(frame: VideoFrame, stream: VideoStream) -> Image.Image:
    """The frame upright, in square pixels."""
    image: Image.Image = frame.to_image()
    shape = float(stream.sample_aspect_ratio or 1)
    if shape != 1 and 1 / 8 < shape < 8:
        image = image.resize((max(1, round(image.width * shape)), image.height), Image.Resampling.BICUBIC)
    turn = _SIDEWAYS.get(frame.rotation)
    return image if turn is None else image.transpose(turn)


def _of_animation(data: bytes, budget: Budget) -> Made:
    with opened(data) as image:
        total = getattr(image, "n_frames", 1)
        if image.width * image.height > MAX_PIXELS:
            raise PictureError("picture_too_large", megapixels=MAX_PIXELS // 1_000_000)
        image.load()
        count = budget.count(total * _shown(image), total)
        limits, film, clock = budget.each(count), _Film(), 0.0
        wanted = {round(number * (total - 1) / max(1, count - 1)) for number in range(count)}
        for number in range(total):
            image.seek(number)
            image.load()
            if number in wanted:
                film.add(plain(image.copy()), clock, limits, lossy=False)
            clock += _shown(image)
        return film.made(clock, sound=False)


def _shown(image: Image.Image) -> float:
    """How long this frame of an animation is shown, in seconds; browsers show those without a time for a tenth."""
    milliseconds = float(image.info.get("duration") or 0)
    return milliseconds / 1000 if milliseconds >= 20 else 0.1


def _main() -> None:
    pixels, side, together, most, seconds = sys.argv[1:]
    limited_work.limit(float(seconds))
    budget = Budget(PictureLimits(int(pixels), int(side), int(together)), int(most), float(seconds))
    limited_work.serve(lambda data: take(data, budget))


if __name__ == "__main__":
    _main()
