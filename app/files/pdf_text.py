"""What a PDF's page says of its own text: the runs of its text layer, and the fonts that are missing here."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from itertools import islice
from math import prod, sqrt
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from engine.formats import fallback_font
from engine.formats.text_layer import MOST_RUNS, Run

_SYSTEM_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/X11/fonts")
"""PDFium's own list, which a list of one's own replaces."""
_DEVICE = 100_000
_FLAT = 0.1
"""Points: the height of text for which there are no letters to draw."""
_MOST_FONTS = 5
_GOOD_PART = 0.25
_MOST_OBJECTS, _DEPTH = 20_000, 3
"""How far a page is searched: forms can hold forms that hold forms."""


def use_fallback_font() -> None:
    """Lets PDFium know the font that comes with the installation, beside those of the machine; call it first of all."""
    folders = [Path(name) for name in _SYSTEM_FONTS if Path(name).is_dir()]
    if fallback := fallback_font.folder():
        folders.append(fallback)
    texts = [ctypes.create_string_buffer(str(folder).encode()) for folder in folders]
    paths = (ctypes.POINTER(ctypes.c_char) * (len(texts) + 1))()
    for number, text in enumerate(texts):
        paths[number] = ctypes.cast(text, ctypes.POINTER(ctypes.c_char))
    pdfium.FPDF_DestroyLibrary()
    pdfium.FPDF_InitLibraryWithConfig(
        pdfium.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=paths, m_pIsolate=None, m_v8EmbedderSlot=0)
    )
    _kept.extend((paths, texts))


_kept: list[object] = []
"""PDFium does not copy the list of folders."""


def text_runs(page: pypdfium2.PdfPage) -> list[Run]:
    """The runs of the page's text layer in its own order; none if there are more than a page can have.

    Raises:
        PdfiumError: the layer is broken.
    """
    layer = page.get_textpage()
    try:
        count = layer.count_rects()
        return list(_runs(page, layer, count)) if count <= MOST_RUNS else []
    finally:
        layer.close()


def _runs(page: pypdfium2.PdfPage, layer: pypdfium2.PdfTextPage, count: int) -> Iterator[Run]:
    for number in range(count):
        left, bottom, right, top = layer.get_rect(number)
        text = " ".join(layer.get_text_bounded(left, bottom, right, top).split())
        if text:
            (x0, y0), (x1, y1) = _on_page(page, left, top), _on_page(page, right, bottom)
            yield Run(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1), text)


def _on_page(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[float, float]:
    """A point as shares of the page as it is shown: turned, and cut to its box."""
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, _DEVICE, _DEVICE, 0, x, y, across, down)
    return across.value / _DEVICE, down.value / _DEVICE


def missing_fonts(page: pypdfium2.PdfPage) -> list[str]:
    """The names of fonts of which nothing can be drawn here: not in the PDF, and with no like on this machine."""
    found: dict[str, None] = {}
    for text in _objects(page, pdfium.FPDF_PAGEOBJ_TEXT):
        left, bottom, right, top = text.get_bounds()
        font = text.get_font()
        if right - left > 1 and top - bottom < _FLAT and not font.is_embedded:
            found[font.get_base_name()] = None
    return list(found)[:_MOST_FONTS]


def finest(page: pypdfium2.PdfPage) -> float:
    """The resolution of the finest picture that fills a good part of the page, in pixels per point; 0 without one."""
    width, height = page.get_size()
    best = 0.0
    for picture in _objects(page, pdfium.FPDF_PAGEOBJ_IMAGE):
        left, bottom, right, top = picture.get_bounds()
        wide, high = right - left, top - bottom
        # A logo of many pixels is no reason to draw a page of text so fine.
        if wide * high > _GOOD_PART * width * height > 0:
            best = max(best, sqrt(prod(picture.get_px_size()) / (wide * high)))
    return best


def _objects(page: pypdfium2.PdfPage, kind: int) -> Iterator[Any]:
    return islice(page.get_objects(filter=[kind], max_depth=_DEPTH), _MOST_OBJECTS)
