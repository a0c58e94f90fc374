"""Videos and animated pictures → frames with their times, taken by a process of its own (app/files/video.py)."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from app.files import limited_process
from app.files.pictures import NormalPicture, PictureError, PictureLimits

SECONDS = 20.0
"""Processor time for one file."""
MAX_FRAMES = 64
"""At the size of Kimi-VL's largest picture, 64 frames fill half of its context."""
_MOVIE_ATOMS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""How a QuickTime movie may begin that is older than the `ftyp` atom."""
_PICTURE_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True)
class Frames:
    """The frames of a video, with their times in seconds."""

    pictures: list[NormalPicture]
    times: list[float]
    duration: float
    """In seconds, by what is in the file, not by its header."""
    unchanged: int
    """Further frames that were looked at and show nothing new."""
    sound: bool


def container_of(data: bytes) -> str:
    """FFmpeg's name for a video's container, by its first bytes; empty if it is none that is taken."""
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if data[4:8] == b"ftyp":
        return "" if data[8:12] in _PICTURE_BRANDS else "mov"
    return "mov" if data[4:8] in _MOVIE_ATOMS else ""


async def take_frames(data: bytes, limits: PictureLimits, most: int, seconds: float = SECONDS) -> Frames:
    """Takes at most `most` frames, evenly, in at most `seconds` of processor time.

    Raises:
        PictureError: it is broken, has no frames, or takes too long.
        OSError: the process can't be started.
    """
    slow = {signal.SIGXCPU: PictureError("video_slow", seconds=round(seconds))}
    arguments = (limits.pixels, limits.side, limits.together, min(most, MAX_FRAMES), seconds)
    made = await limited_process.make("app.files.video", arguments, data, slow, "video_broken")
    return Frames(made.pictures, **made.facts)
