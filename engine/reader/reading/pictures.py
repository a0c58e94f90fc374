"""Fetches the bytes at a picture's address, and decodes them; rejects anything that is not a picture."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from PIL import Image, UnidentifiedImageError

from engine.formats.base64_text import decoded
from engine.reader.errors import ReaderError

# The formats that people paste and scan. JPEG includes some cameras' MPO. Decoders of rarer formats are less tested.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
MAX_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 40_000_000
MAX_SIDE = 20_000


def fetch(url: str, uploads: Path | None) -> bytes:
    """Returns the bytes of the picture at `url` (`data:`, or `file://` below `uploads`).

    Raises:
        ReaderError: 400, for any other address, a path outside (links resolved), and a file that can't be read.
    """
    scheme = url.split(":", 1)[0].lower()
    if scheme == "data":
        found = _data(url)
    elif scheme == "file":
        found = _file(url, uploads)
    else:
        raise ReaderError(
            "A picture's URL must be a data: URL or a file:// URL; this engine fetches nothing.", param="image_url"
        )
    if len(found) > MAX_BYTES:
        raise ReaderError(f"A picture's file may have at most {MAX_BYTES // 1024**2} MiB.", param="image_url")
    return found


def _data(url: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise ReaderError("The data: URL has no comma between its type and its data.", param="image_url")
    if head.lower().rpartition(";")[2].strip(" ") != "base64":
        return unquote_to_bytes(body)
    try:
        return decoded(unquote(body))
    except ValueError as error:
        raise ReaderError(f"The data: URL is not base64: {error}.", param="image_url") from error


def _file(url: str, uploads: Path | None) -> bytes:
    if uploads is None:
        raise ReaderError(
            "Cannot load local files without `--allowed-local-media-path` (here: --uploads).", param="image_url"
        )
    parts = urlsplit(url)
    if parts.netloc not in {"", "localhost"}:
        raise ReaderError("A file:// URL must name a file of this machine: file:///path.", param="image_url")
    try:
        # Do not split off ? and #: they are ordinary characters in a file's name.
        path = Path(unquote(url[len("file://") + len(parts.netloc) :])).resolve()
        if not path.is_relative_to(uploads.resolve()):
            raise ReaderError(
                "The picture's path must be a subpath of --allowed-local-media-path (here: --uploads).",
                param="image_url",
            )
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError, RuntimeError) as error:  # missing, a directory, a NUL in the name, links in a circle
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise ReaderError(f"The picture's file cannot be read: {reason}.", param="image_url") from error


@contextmanager
def opened(data: bytes, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Opens the first frame of an encoded picture and decodes it completely.

    Raises:
        ReaderError: 400, if it is not a picture, truncated, damaged, or larger than `max_pixels` or `MAX_SIDE`.
    """
    try:
        # Pillow only warns about a picture of up to twice its own limit; our limit is checked below.
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning):
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
        with picture:
            _check_size(picture.size, max_pixels)
            picture.load()
            yield picture
    except Image.DecompressionBombError as error:
        raise _too_large(max_pixels) from error
    except UnidentifiedImageError as error:
        raise ReaderError("cannot identify image file", param="image_url") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise on damaged files
        raise ReaderError(f"The picture cannot be decoded: {error}", param="image_url") from error


def check(data: bytes, max_pixels: int = MAX_PIXELS) -> None:
    """Checks that `data` is a picture that can be decoded completely.

    Raises:
        ReaderError: 400, if it is not.
    """
    with opened(data, max_pixels):
        pass


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels or max(size) > MAX_SIDE:
        raise _too_large(max_pixels, size)


def _too_large(max_pixels: int, size: tuple[int, int] | None = None) -> ReaderError:
    has = f" has {size[0]} x {size[1]} pixels and" if size else ""
    return ReaderError(
        f"The picture{has} is too large: at most {max_pixels // 1_000_000} megapixels and {MAX_SIDE} pixels a side.",
        param="image_url",
    )
