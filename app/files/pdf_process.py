"""Draws a PDF in a separate process, which can be killed: see app/files/limited_process.py."""

from __future__ import annotations

import signal
import sys

from app.files import limited_process
from app.files.limited_process import Made
from app.files.pdf import draw_pages
from app.files.pdf_text import use_fallback_font
from app.files.pictures import Pages, PictureError, PictureLimits

PAGE_SECONDS = 20.0
"""Processor time, so that a busy machine does not make a page too slow."""
_ALL_PAGES = 4
"""The whole document may take this many times as long."""


async def draw(data: bytes, limits: PictureLimits, most: int, seconds: float = PAGE_SECONDS, first: int = 0) -> Pages:
    """Draws at most `most` pages after the first `first`, each in at most `seconds` of processor time.

    Raises:
        PictureError: it is broken, password-protected, has no page, or takes too long.
        OSError: the process can't be started.
    """
    slow = {
        signal.SIGPROF: PictureError("pdf_slow", seconds=round(seconds)),
        signal.SIGXCPU: PictureError("pdf_slow_in_all", seconds=round(seconds * _ALL_PAGES)),
    }
    arguments = (limits.pixels, limits.side, most, seconds, first)
    made = await limited_process.make(__name__, arguments, data, slow, "pdf_broken")
    return Pages(made.pictures, made.facts["total"], tuple(made.facts["missing"]))


def _main() -> None:
    pixels, side, most, seconds, first = sys.argv[1:]
    limited_process.limit(float(seconds) * _ALL_PAGES)
    use_fallback_font()

    def work(data: bytes) -> Made:
        def next_page() -> None:
            limited_process.alarm(float(seconds))

        pages = draw_pages(data, PictureLimits(int(pixels), int(side)), int(most), next_page, int(first))
        return Made(pages.pictures, {"total": pages.total, "missing": pages.missing_fonts})

    limited_process.serve(work)


if __name__ == "__main__":
    _main()
