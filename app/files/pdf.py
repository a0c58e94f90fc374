"""Draws pages of a PDF as pictures with PDFium (pypdfium2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pypdfium2
from PIL import Image

from app.files.pictures import NormalPicture, PictureError, PictureLimits, encode, target_size

_POINTS_PER_INCH = 72
_DOTS_PER_INCH = 200
"""Enough for small print; a scanner's usual setting."""
_MAX_PAGE_PIXELS = 25_000_000


@dataclass(frozen=True)
class PdfPages:
    """The first pages as pictures, and how many the document has."""

    pictures: list[NormalPicture]
    total: int


def is_pdf(data: bytes) -> bool:
    """Whether the bytes are a PDF; PDF viewers allow some garbage before its signature."""
    return b"%PDF-" in data[:1024]


def draw_pages(data: bytes, limits: PictureLimits, most: int, next_page: Callable[[], None] = lambda: None) -> PdfPages:
    """Draws at most `most` pages; `next_page` is called before the document is opened, and before each page.

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
        pictures = []
        for number in range(min(total, most)):
            next_page()
            pictures.append(encode(_draw(document, number, limits), limits))
        return PdfPages(pictures, total)
    except (pypdfium2.PdfiumError, MemoryError) as error:
        raise PictureError("pdf_broken") from error
    finally:
        document.close()


def _draw(document: pypdfium2.PdfDocument, number: int, limits: PictureLimits) -> Image.Image:
    page = document[number]
    try:
        width, height = (max(1.0, side) for side in page.get_size())
        wanted = (
            round(width * _DOTS_PER_INCH / _POINTS_PER_INCH) or 1,
            round(height * _DOTS_PER_INCH / _POINTS_PER_INCH) or 1,
        )
        pixels = PictureLimits(min(limits.pixels, _MAX_PAGE_PIXELS), limits.side)
        drawn, _ = target_size(*wanted, pixels)
        image: Image.Image = page.render(scale=drawn / width).to_pil()
        return image.convert("RGB")
    finally:
        page.close()
