"""Small videos to take frames of."""

from __future__ import annotations

import io

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from PIL import Image

SIZE = (64, 36)
COLOURS = ("red", "lime", "blue", "yellow", "white", "black")


def video(
    seconds: float = 3.0, *, rate: int = 10, size: tuple[int, int] = SIZE, container: str = "mp4",
    codec: str = "libx264", keys: int = 10, colours: tuple[str, ...] = COLOURS, sound: bool = False,
) -> bytes:  # fmt: skip
    """A video that has one colour in each second, one after the other, and a key frame after each `keys` frames."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt, stream.gop_size = "yuv420p", keys
        voice = output.add_stream("aac", rate=8000) if sound else None
        for number in range(round(seconds * rate)):
            image = Image.new("RGB", size, colours[number // rate % len(colours)])
            for packet in stream.encode(av.VideoFrame.from_image(image)):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
        if voice:
            _silence(output, voice)
    return file.getvalue()


def sound_alone() -> bytes:
    """An MP4 without a picture."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        _silence(output, output.add_stream("aac", rate=8000))
    return file.getvalue()


def _silence(output: OutputContainer, stream: AudioStream) -> None:
    frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
    frame.sample_rate = 8000
    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
    for packet in [*stream.encode(frame), *stream.encode(None)]:
        output.mux(packet)


def animation(kind: str, colours: tuple[str, ...] = COLOURS, milliseconds: int = 1000) -> bytes:
    """An animated picture of these colours, one after the other."""
    first, *others = (Image.new("RGB", SIZE, colour) for colour in colours)
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others, duration=milliseconds, lossless=True)
    return file.getvalue()


def bomb() -> bytes:
    """A GIF of a few kilobytes whose thousand frames take minutes to decode."""
    file = io.BytesIO()
    Image.new("P", (4000, 4000)).save(file, "GIF")
    data = file.getvalue()
    colours = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    return data[:colours] + data[colours:-1] * 1000 + b";"
