"""Draws a PDF in a separate process, which can be killed.

A page of a kilobyte can keep PDFium busy for hours, or fill the memory, and nothing can interrupt it from inside. The
process gets the limits as arguments and the file on standard input, and writes the pictures to standard output: one
line of JSON, then their bytes. It parses untrusted input, so it gets nothing else.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sys

from app.files.pdf import draw_pages
from app.files.pdf_text import use_fallback_font
from app.files.pictures import NormalPicture, Pages, PictureError, PictureLimits
from engine.config import ROOT

PAGE_SECONDS = 20.0
"""Processor time, so that a busy machine does not make a page too slow."""
_ALL_PAGES = 4
"""The whole document may take this many times as long."""
_MOST_MEMORY = 2 * 1024**3
_NICENESS = 5
"""Other users' streams have priority."""
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH")


async def draw(data: bytes, limits: PictureLimits, most: int, seconds: float = PAGE_SECONDS, first: int = 0) -> Pages:
    """Draws at most `most` pages after the first `first`, each in at most `seconds` of processor time.

    Raises:
        PictureError: it is broken, password-protected, has no page, or takes too long.
        OSError: the process can't be started.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, str(limits.pixels), str(limits.side), str(most), str(seconds), str(first),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
    )  # fmt: skip
    try:
        said, _ = await process.communicate(data)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == -signal.SIGPROF:
        raise PictureError("pdf_slow", seconds=round(seconds))
    if process.returncode == -signal.SIGXCPU:
        raise PictureError("pdf_slow_in_all", seconds=round(seconds * _ALL_PAGES))
    if process.returncode:
        raise PictureError("pdf_broken")
    return _read(said)


def _read(said: bytes) -> Pages:
    head, _, rest = said.partition(b"\n")
    found = json.loads(head)
    if "error" in found:
        raise PictureError(found["error"])
    pictures, at = [], 0
    for size, extension, width, height, original in found["pages"]:
        pictures.append(NormalPicture(rest[at : at + size], extension, width, height, tuple(original)))
        at += size
    return Pages(pictures, found["total"], tuple(found["missing"]))


def _main() -> None:
    pixels, side, most, seconds, first = sys.argv[1:]
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    whole = round(float(seconds) * _ALL_PAGES) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    use_fallback_font()
    data = sys.stdin.buffer.read()

    def next_page() -> None:
        # Without a handler, the signal ends the process, wherever PDFium is.
        signal.setitimer(signal.ITIMER_PROF, float(seconds))

    try:
        drawn = draw_pages(data, PictureLimits(int(pixels), int(side)), int(most), next_page, int(first))
    except PictureError as error:
        sys.stdout.write(json.dumps({"error": error.key}) + "\n")
        return
    pages = [(len(page.data), page.extension, page.width, page.height, page.original_size) for page in drawn.pictures]
    head = {"total": drawn.total, "missing": drawn.missing_fonts, "pages": pages}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n")
    for page in drawn.pictures:
        sys.stdout.buffer.write(page.data)


if __name__ == "__main__":
    _main()
