"""What the process that makes pictures writes, and what the page reads of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app.files import limited_process, limited_work
from app.files.limited_work import Made
from app.files.pictures import NormalPicture, PictureError

PICTURES = [NormalPicture(b"first\nwith a line", "png", 3, 4, (3, 4)), NormalPicture(b"", "jpg", 1, 2, (10, 20))]


@pytest.fixture
def page_reads(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[bytes], Made]], Made]:
    """Runs the work as the process does, on the file `a file`, and reads its output as the page does."""

    def served(work: Callable[[bytes], Made]) -> Made:
        written = io.TextIOWrapper(io.BytesIO(), write_through=True)
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a file")))
        monkeypatch.setattr("sys.stdout", written)
        limited_work.serve(work)
        return limited_process._read(written.buffer.getvalue())

    return served


def test_pictures_and_facts_arrive_as_they_were_made(page_reads: Callable[[Callable[[bytes], Made]], Made]) -> None:
    made = page_reads(lambda data: Made(PICTURES, {"file": data.decode()}))
    assert made == Made(PICTURES, {"file": "a file"})


def test_a_refusal_keeps_its_values_and_full_memory_is_one(
    page_reads: Callable[[Callable[[bytes], Made]], Made],
) -> None:
    def refusing(error: Exception) -> Callable[[bytes], Made]:
        def work(_: bytes) -> Made:
            raise error

        return work

    with pytest.raises(PictureError) as refused:
        page_reads(refusing(PictureError("pdf_slow", seconds=20)))
    assert (refused.value.key, refused.value.values) == ("pdf_slow", {"seconds": 20})
    with pytest.raises(PictureError) as refused:
        page_reads(refusing(MemoryError()))
    assert (refused.value.key, refused.value.values) == ("picture_too_large", {"megapixels": 100})
