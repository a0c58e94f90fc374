"""A PDF → its pages as pictures, drawn by a process of its own (app/files/pdf.py)."""

from __future__ import annotations

import signal

from app.files import limited_process
from app.files.pdf import ALL_PAGES
from app.files.pictures import Pages, PictureError, PictureLimits

PAGE_SECONDS = 20.0
"""Processor time, so that a busy machine does not make a page too slow."""


async def draw(data: bytes, limits: PictureLimits, most: int, seconds: float = PAGE_SECONDS, first: int = 0) -> Pages:
    """Draws at most `most` pages after the first `first`, each in at most `seconds` of processor time.

    Raises:
        PictureError: it is broken, password-protected, has no page, or takes too long.
        OSError: the process can't be started.
    """
    slow = {
        signal.SIGPROF: PictureError("pdf_slow", seconds=round(seconds)),
        signal.SIGXCPU: PictureError("pdf_slow_in_all", seconds=round(seconds * ALL_PAGES)),
    }
    arguments = (limits.pixels, limits.side, most, seconds, first)
    made = await limited_process.make("app.files.pdf", arguments, data, slow, "pdf_broken")
    return Pages(made.pictures, made.facts["total"], tuple(made.facts["missing"]))
