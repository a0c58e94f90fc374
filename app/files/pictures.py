"""An uploaded file → verified pictures, upright, without metadata, no larger than the model takes. No I/O.

The bytes decide what a file is, never its name or claimed type. A picture is decoded and encoded again, so nothing
hidden in the file reaches the engine. Lossless pictures stay lossless (PNG); a JPEG that needs no change keeps its
quantisation tables, which costs next to nothing in quality. Nothing is scaled below the model's limit.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image, ImageStat, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from pillow_heif import register_heif_opener

from engine.formats.pixel_shape import squared_size
from engine.formats.text_layer import KEY

register_heif_opener(thumbnails=False)

LEAST_PIXELS = 200_704
"""A frame of a video is made no smaller than this for the sake of more frames: 256 tokens of Kimi-VL."""
MAX_PIXELS = 100_000_000
"""A larger picture is rejected before it is decoded, which would take over 300 MB of memory."""
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
_REDUCED = 0x00FE
"""TIFF's tag of a page that is a smaller copy of another one, in its lowest bit."""
_OF_FRAMES = frozenset({"GIF", "TIFF", "PNG", "WEBP", "AVIF"})
_JPEG_QUALITY = 95
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture upright, for each EXIF orientation except the first."""


class PictureError(Exception):
    """A file is not a usable picture. `key` names the message for users, with `values`."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def media_type(file: str) -> str:
    """The media type of a picture as it is stored, by its file's name or extension."""
    return "image/png" if file.endswith("png") else "image/jpeg"


@dataclass(frozen=True)
class PictureLimits:
    """The model's own limits: pixels of a picture, and pixels of its longer side."""

    pixels: int
    side: int
    together: int = 51_380_224
    """Pixels of all the frames of a video; by default, what fills half of Kimi-VL's context."""
    keep_original: bool = False
    """Whether a picture that is scaled down is also kept as it was (app/files/originals.py)."""

    def without(self, pixels: int) -> PictureLimits:
        """The same limits, where so many pixels of `together` are used up; one frame always has room."""
        return replace(self, together=max(min(LEAST_PIXELS, self.pixels), self.together - pixels))


@dataclass(frozen=True)
class NormalPicture:
    """A picture for engines: its bytes, `png` or `jpg`, and its size in pixels."""

    data: bytes
    extension: str
    width: int
    height: int
    original_size: tuple[int, int]
    """Before scaling, upright, in square pixels."""
    left_out_frames: int = 0
    """Further frames or pages in the same file, which are not used."""
    part: str = ""
    """Which part of a long picture it is (app/files/tiles.py)."""

    @property
    def scaled(self) -> bool:
        """Whether it was scaled down to the model's limits."""
        return (self.width, self.height) != self.original_size


@dataclass(frozen=True)
class Pages:
    """The first pages of a document as pictures, and how many it has."""

    pictures: list[NormalPicture]
    total: int
    missing_fonts: tuple[str, ...] = ()
    """Fonts of a PDF that are neither in it nor here, so that their text is missing in the pictures."""


def target_size(width: int, height: int, limits: PictureLimits) -> tuple[int, int]:
    """The largest size of these proportions within the limits; the size itself where it is within them."""
    scale = min(1.0, math.sqrt(limits.pixels / (width * height)), limits.side / max(width, height))
    if scale == 1.0:
        return width, height
    return max(1, int(width * scale)), max(1, int(height * scale))


def normalise(data: bytes, limits: PictureLimits) -> NormalPicture:
    """Makes a picture of an uploaded file's bytes.

    Raises:
        PictureError: it is empty, no picture, of a kind that is not read, broken, or too large to decode.
    """
    with opened(data) as image:
        return _normalise(image, data, limits)


def normalise_pages(data: bytes, limits: PictureLimits, most: int, first: int = 0) -> Pages:
    """Makes pictures of at most `most` pages of a TIFF after the first `first`; of any other file its one picture.

    Raises:
        PictureError: as `normalise`.
    """
    with opened(data) as image:
        if image.format != "TIFF":
            return Pages([_normalise(image, data, limits)], 1)
        count = getattr(image, "n_frames", 1)
        numbers = [number for number in range(count) if number == 0 or not _is_reduced(image, number)]
        pictures = []
        for number in numbers[first : first + most]:
            image.seek(number)
            pictures.append(replace(_normalise(image, data, limits), left_out_frames=0))
        return Pages(pictures, len(numbers))


def is_animation(data: bytes) -> bool:
    """Whether the bytes are a GIF, PNG or WebP of more than one frame.

    Raises:
        PictureError: as `normalise`.
    """
    if not data.startswith((b"GIF8", b"\x89PNG", b"RIFF")):
        return False
    with opened(data) as image:
        return bool(getattr(image, "is_animated", False))


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """The picture that the bytes are, while it is read.

    Raises:
        PictureError: it is empty, no picture, of a kind that is not read, broken, or too large to decode.
    """
    if not data:
        raise PictureError("picture_empty")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            yield image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise PictureError("picture_too_large", megapixels=MAX_PIXELS // 1_000_000) from None
    except UnidentifiedImageError:
        raise PictureError("picture_unknown") from None
    except PictureError:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError, ZeroDivisionError, OverflowError,
            RuntimeError, MemoryError, ArithmeticError, LookupError) as error:  # fmt: skip
        # Pillow's decoders raise all of these on broken files.
        raise PictureError("picture_broken") from error


def _is_reduced(image: Image.Image, number: int) -> bool:
    image.seek(number)
    return bool(int(image.tag_v2.get(_REDUCED, 0)) & 1)  # type: ignore[attr-defined] # a TIFF has tags


def encode(image: Image.Image, limits: PictureLimits, layer: str = "", *, lossy: bool = False) -> NormalPicture:
    """A picture that was drawn here, e.g. a page of a PDF, as a PNG within the limits, with the page's text `layer`.

    One that is `lossy` already, a frame of a video, becomes a JPEG.
    """
    size = target_size(*image.size, limits)
    drawn = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
    if lossy:
        saved = _save(drawn, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
        return NormalPicture(saved, "jpg", *drawn.size, image.size)
    comment = PngInfo()
    if layer:
        comment.add_itxt(KEY, layer, zip=True)
    return NormalPicture(_save(drawn, "PNG", compress_level=1, pnginfo=comment), "png", *drawn.size, image.size)


def _normalise(image: Image.Image, data: bytes, limits: PictureLimits) -> NormalPicture:
    if math.prod(image.size) > MAX_PIXELS:
        raise PictureError("picture_too_large", megapixels=MAX_PIXELS // 1_000_000)
    width, height = squared_size(image.size, image.info)
    oblong = (width, height) != image.size
    lossy = is_lossy(image, data)
    frames = getattr(image, "n_frames", 1) if image.format in _OF_FRAMES else 1
    turned = _orientation(image) in {5, 6, 7, 8}
    original = (height, width) if turned else (width, height)
    size = target_size(*original, limits)
    if size != original and image.format in {"JPEG", "MPO"}:
        # A JPEG decodes at a half or a quarter of its size in a fraction of the time; at least twice the target is left
        # for the better filter below.
        image.draft(None, (2 * min(size), 2 * min(size)))
    image.load()
    orientation = _orientation(image)
    untouched = (
        image.format == "JPEG" and image.mode in {"L", "RGB"} and size == original and orientation == 1 and not oblong
    )
    upright = image if untouched else _upright(plain(image), orientation, size)
    upright.info.clear()
    if untouched:
        saved, extension = _save(upright, "JPEG", quality="keep"), "jpg"
    elif lossy:
        saved, extension = _save(upright, "JPEG", quality=_JPEG_QUALITY, subsampling=0), "jpg"
    else:
        saved, extension = _save(upright, "PNG", compress_level=1), "png"
    return NormalPicture(saved, extension, *size, original, frames - 1)


def whole_size(image: Image.Image) -> tuple[int, int]:
    """The picture's size upright, in square pixels."""
    width, height = squared_size(image.size, image.info)
    return (height, width) if _orientation(image) in {5, 6, 7, 8} else (width, height)


def whole(image: Image.Image) -> Image.Image:
    """The picture upright and plain, at its own size."""
    size, orientation = whole_size(image), _orientation(image)
    return _upright(plain(image), orientation, size)


def is_lossy(image: Image.Image, data: bytes) -> bool:
    """Whether it was compressed with a loss."""
    if image.format == "WEBP":
        return b"VP8 " in data[:64]
    return image.format in {"JPEG", "MPO", "HEIF", "AVIF"}


def _orientation(image: Image.Image) -> int:
    return int(image.getexif().get(0x0112, 1) or 1)


def _upright(image: Image.Image, orientation: int, size: tuple[int, int]) -> Image.Image:
    """The picture upright, at `size`. Scaled first, because turning a smaller picture is faster."""
    as_stored = size[::-1] if orientation in {5, 6, 7, 8} else size
    scaled = image if image.size == as_stored else image.resize(as_stored, Image.Resampling.LANCZOS)
    return scaled.transpose(_TURNS[orientation]) if orientation in _TURNS else scaled


def plain(image: Image.Image) -> Image.Image:
    """The picture in grey or RGB, 8 bits, without transparency."""
    if image.mode in {"L", "RGB"} and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in {"I", "F"}:
        return _stretch(image)
    if image.mode == "1":
        return image.convert("L")
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        return _flatten(image.convert("RGBA"))
    return image.convert("RGB")


def _stretch(image: Image.Image) -> Image.Image:
    """Maps values of any range to 0-255."""
    lowest, highest = (float(value) for value in image.convert("F").getextrema())  # type: ignore[arg-type] # one band
    scale = 255 / (highest - lowest) if highest > lowest else 0.0
    return image.convert("F").point(lambda value: value * scale + -lowest * scale).convert("L")


def _flatten(image: Image.Image) -> Image.Image:
    """On white; a light drawing on black, to be visible."""
    alpha = image.getchannel("A")
    light = ImageStat.Stat(image.convert("L"), mask=alpha).mean[0] if alpha.getbbox() else 0
    ground = Image.new("RGB", image.size, "black" if light > 200 and alpha.getextrema()[0] == 0 else "white")
    ground.paste(image, mask=alpha)
    return ground


def _save(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()
