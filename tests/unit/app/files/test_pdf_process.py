"""PDF pages that would take hours to draw, or fill the memory: the process that draws them is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from functools import partial
from pathlib import Path

import psutil
import pytest

from app.files import pdf_process
from app.files.pdf_process import draw
from app.files.pictures import PictureError, PictureLimits
from app.files.uploads import UploadStore
from tests.instruments.bad_files import whole
from tests.unit.app.files.test_pictures import pdf

LIMITS = PictureLimits(802_816, 3500)
PATIENCE = 120


def written(*objects: bytes) -> bytes:
    """A PDF of these objects, the first of which is its catalogue; readers find them without a table."""
    numbered = (b"%d 0 obj\n%s\nendobj\n" % (number, made) for number, made in enumerate(objects, 1))
    return b"%PDF-1.7\n" + b"".join(numbered) + b"trailer\n<</Root 1 0 R>>\n"


def stream(entries: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


def page(content: bytes, resources: bytes, *objects: bytes) -> bytes:
    leaf = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 5000 5000]/Contents 4 0 R/Resources<<%s>>>>" % resources
    tree = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    return written(b"<</Type/Catalog/Pages 2 0 R>>", tree, leaf, stream(b"", content), *objects)


def endless_pattern() -> bytes:
    """A page that is filled two hundred times with a pattern of twentieths of a point."""
    pattern = b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 400 400]/XStep 0.05/YStep 0.05"
    fill = b"/Pattern cs /P scn 0 0 5000 5000 re f " * 200
    return page(fill, b"/Pattern<</P 5 0 R>>", stream(pattern + b"/Resources<<>>", b"0 0 1 rg 0 0 3 3 re f"))


def nested_forms(depth: int = 12) -> bytes:
    """A form of ten forms of ten forms …: 10^11 rectangles."""
    forms = []
    for number in range(6, 6 + depth):
        inner = b"/Resources<</XObject<</F %d 0 R>>>>" % number
        forms.append(stream(b"/Type/XObject/Subtype/Form/BBox[0 0 500 500]" + inner, b"/F Do " * 10))
    forms[-1] = stream(b"/Type/XObject/Subtype/Form/BBox[0 0 500 500]", b"0 0 9 9 re f")
    return page(b"/F Do", b"/XObject<</F 5 0 R>>", *forms)


def drawing() -> list[psutil.Process]:
    found = []
    for child in psutil.Process(os.getpid()).children():
        # One that has just ended has no command line.
        with contextlib.suppress(psutil.Error):
            found += [child] if "app.files.pdf" in child.cmdline() else []
    return found


async def test_pages_come_as_they_are_drawn() -> None:
    pages = await draw(pdf(4), LIMITS, 3)
    assert (len(pages.pictures), pages.total) == (3, 4)
    for picture in pages.pictures:
        assert picture.data.startswith(b"\x89PNG")
        assert picture.data.endswith(b"IEND\xaeB`\x82")
        assert not picture.scaled


@pytest.mark.parametrize("data", [endless_pattern(), nested_forms()], ids=["pattern", "forms"])
async def test_a_page_that_would_take_hours_is_given_up(data: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PictureError) as refused:
            await draw(data, LIMITS, 1, seconds=1)
    assert refused.value.key == "pdf_slow"
    assert refused.value.values == {"seconds": 1}
    assert drawing() == []


@pytest.mark.long
async def test_a_page_that_would_fill_the_memory_is_refused() -> None:
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(PictureError, match=r"pdf_broken"):
            await draw(nested_forms(), LIMITS, 1, seconds=600)
    assert drawing() == []


async def test_the_process_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a person's own key")
    task = asyncio.create_task(draw(endless_pattern(), LIMITS, 1))
    async with asyncio.timeout(PATIENCE):
        while not drawing():
            await asyncio.sleep(0.01)
    [process] = drawing()
    assert "OPENAI_API_KEY" not in process.environ()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert drawing() == []


async def test_pictures_are_taken_while_pages_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_process, "draw", partial(draw, seconds=30))
    slow, picture = tmp_path / "slow.pdf", tmp_path / "a.png"
    slow.write_bytes(endless_pattern())
    picture.write_bytes(whole("PNG"))
    store = UploadStore(tmp_path / "uploads")
    pages = [asyncio.create_task(store.take(slow, "slow.pdf", f"t{n}", LIMITS, 1)) for n in range(3)]
    async with asyncio.timeout(PATIENCE):
        while len(drawing()) < 2:
            await asyncio.sleep(0.01)
        assert len((await store.take(picture, "a.png", "t", LIMITS, 1)).pictures) == 1
        assert not any(task.done() for task in pages)
        for task in pages:
            task.cancel()
        await asyncio.gather(*pages, return_exceptions=True)
        while drawing():
            await asyncio.sleep(0.01)
    store.close()
