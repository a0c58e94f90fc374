"""Draws pages of a PDF as pictures with PDFium (pypdfium2)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import pypdfium2
from PIL import Image

from app.files import limited_work
from app.files.limited_work import Made
from app.files.pdf_text import finest, missing_fonts, text_runs, use_fallback_font
from app.files.pictures import Pages, PictureError, PictureLimits, encode, target_size
from engine.formats.text_layer import pack

_Extra = TypeVar("_Extra")
_POINTS_PER_INCH = 72
_DOTS_PER_INCH = 200
"""Enough for small print; a scanner's usual setting. A finer scan is drawn as fine as it is."""
_MAX_PAGE_PIXELS = 25_000_000
ALL_PAGES = 4
"""The whole document may take this many times as long as a page."""


def is_pdf(data: bytes) -> bool:
    """Whether the bytes are a PDF; PDF viewers allow some garbage before its signature."""
    return b"%PDF-" in data[:1024]


def draw_pages(
    data: bytes, limits: PictureLimits, most: int, next_page: Callable[[], None] = lambda: None, first: int = 0
) -> Pages:
    """Draws at most `most` pages after the first `first`.

    `next_page` is called before the document is opened, and before each page.

    PDFium is not safe to use from several threads at once: app/files/pdf_process.py calls this in a separate process.

    Raises:
        PictureError: it is broken, password-protected, or has no page.
    """
    next_page()
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        raise PictureError("pdf_locked" if locked else "pdf_broken") from error
    try:
        total = len(document)
        if total == 0:
            raise PictureError("pdf_broken")
        document.init_forms()  # before pages are loaded: what was typed into fields is drawn then
        pictures, missing = [], dict[str, None]()
        for number in range(first, min(total, first + most)):
            next_page()
            page = document[number]
            try:
                picture = _draw(page, limits)
                pictures.append(encode(picture, limits, pack(_extra(text_runs, page, []))))
                missing |= dict.fromkeys(_extra(missing_fonts, page, list[str]()))
            finally:
                page.close()
        return Pages(pictures, total, tuple(missing))
    except (pypdfium2.PdfiumError, MemoryError) as error:
        raise PictureError("pdf_broken") from error
    finally:
        document.close()


def _extra(read: Callable[[pypdfium2.PdfPage], _Extra], page: pypdfium2.PdfPage, otherwise: _Extra) -> _Extra:
    """What `read` finds on the page; `otherwise` if that part is broken, since the page may still be drawn."""
    try:
        return read(page)
    except (pypdfium2.PdfiumError, RuntimeError, ValueError):
        return otherwise


def _draw(page: pypdfium2.PdfPage, limits: PictureLimits) -> Image.Image:
    width, height = (max(1.0, side) for side in page.get_size())
    scale = max(_DOTS_PER_INCH / _POINTS_PER_INCH, _extra(finest, page, 0.0))
    pixels = PictureLimits(min(limits.pixels, _MAX_PAGE_PIXELS), limits.side)
    drawn, _ = target_size(round(width * scale) or 1, round(height * scale) or 1, pixels)
    image: Image.Image = page.render(scale=drawn / width).to_pil()
    return image.convert("RGB")


def _main() -> None:
    pixels, side, most, seconds, first = sys.argv[1:]
    limited_work.limit(float(seconds) * ALL_PAGES)
    use_fallback_font()

    def work(data: bytes) -> Made:
        def next_page() -> None:
            limited_work.alarm(float(seconds))

        pages = draw_pages(data, PictureLimits(int(pixels), int(side)), int(most), next_page, int(first))
        return Made(pages.pictures, {"total": pages.total, "missing": pages.missing_fonts})

    limited_work.serve(work)


if __name__ == "__main__":
    _main()
