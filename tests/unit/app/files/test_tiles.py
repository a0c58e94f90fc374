"""Long pictures are cut into parts in which each line of text is whole."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from app.files.pictures import PictureLimits
from app.files.tiles import boxes
from app.files.uploads import UploadStore
from tests.instruments.pictures import png

KIMI = PictureLimits(pixels=802_816, side=7154)
READER = PictureLimits(pixels=40_000_000, side=20_000)
LINES, STEP, LETTERS = 300, 32, 24


@pytest.mark.parametrize("width", [700, 900, 1200])
def test_each_of_300_lines_is_whole_in_a_part_and_large_enough_to_be_read(width: int) -> None:
    height = LINES * STEP
    parts = boxes(width, height, KIMI, most=256)
    assert (parts[0][1], parts[-1][3]) == (0, height)
    for line in range(LINES):
        top = line * STEP
        assert any(box[1] <= top and top + LETTERS <= box[3] for box in parts), f"line {line} is lost"
    for left, top, right, bottom in parts:
        assert (left, right) == (0, width)
        assert width * (bottom - top) <= KIMI.pixels * 2.1, "letters shrink by a third at most"


@pytest.mark.parametrize(
    ("size", "limits", "most"),
    [
        ((1000, 2900), KIMI, 24), ((300, 2400), KIMI, 24), ((900, 9600), READER, 24), ((900, 9600), KIMI, 2),
        ((1, 5000), KIMI, 9), ((1, 20_000), KIMI, 9),
    ],
)  # fmt: skip
def test_what_is_not_long_or_fits_or_has_no_room_stays_whole(
    size: tuple[int, int], limits: PictureLimits, most: int
) -> None:
    assert boxes(*size, limits, most) == []


@pytest.mark.parametrize("most", [3, 5, 24])
def test_a_panorama_is_cut_from_left_to_right_into_no_more_than_there_is_room_for(most: int) -> None:
    parts = boxes(16_000, 2000, KIMI, most)
    assert 2 <= len(parts) < most
    assert (parts[0][0], parts[-1][2]) == (0, 16_000)
    assert all(after[0] < before[2] for before, after in pairwise(parts))


async def test_a_long_screenshot_is_stored_as_an_overview_and_its_parts(tmp_path: Path) -> None:
    picture = Image.new("RGB", (600, 6000), "white")
    ImageDraw.Draw(picture).rectangle((0, 5900, 600, 6000), fill="red")
    path = tmp_path / "incoming"
    path.write_bytes(png(picture))
    store = UploadStore(tmp_path / "uploads")
    stored = await store.take(path, "shot.png", "t", KIMI, 24)
    overview, *parts = stored.pictures
    assert overview.name == "shot.png · overview"
    assert parts[0].name == f"shot.png · part 1 of {len(parts)}, from top to bottom"
    assert all(part.width > 500 for part in parts)
    assert [(notice.key, notice.values["count"]) for notice in stored.notices] == [("picture_parts", len(parts))]
    with Image.open(io.BytesIO(Path(parts[-1].path).read_bytes())) as last:
        assert last.convert("RGB").getpixel((10, last.height - 5)) == (255, 0, 0)
    store.close()
