"""Our own tools on the pictures of a chat, in their process."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app.files.pictures import PictureLimits
from app.files.uploads import UploadStore
from app.talk.conversation import Picture
from app.tools.builtin import call_builtin

LIMITS = PictureLimits(802_816, 7154)
WHOLE = {"picture": 1, "left": 0, "top": 0, "right": 1, "bottom": 1}
UPPER_LEFT = WHOLE | {"right": 0.5, "bottom": 0.5}


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    """Red, with a blue lower right quarter."""
    image = Image.new("RGB", (200, 100), "red")
    image.paste("blue", (100, 50, 200, 100))
    path = tmp_path / "a.png"
    image.save(path)
    return Picture(str(path), "a.png", 200, 100)


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


async def test_a_region_is_cut_out_and_enlarged(picture: Picture) -> None:
    cut = await call_builtin("crop", UPPER_LEFT, [picture], LIMITS)
    assert not cut.failed
    assert opened(cut.pictures[0]).size == (100, 50)
    large = await call_builtin("zoom", UPPER_LEFT, [picture], LIMITS)
    assert opened(large.pictures[0]).size == (1024, 512)
    assert "10.2 times" in large.text


async def test_distances_and_colours_are_measured(picture: Picture) -> None:
    points = {"picture": 1, "from_x": 0, "from_y": 0, "to_x": 0.75, "to_y": 0.75}
    facts = json.loads((await call_builtin("measure", points, [picture], LIMITS)).text)
    assert (facts["from"]["colour"], facts["to"]["colour"]) == ("#ff0000", "#0000ff")
    assert facts["pixels"] == {"distance": 167.7, "across": 150, "down": 75}


async def test_what_makes_no_sense_is_said_and_other_files_are_out_of_reach(picture: Picture, tmp_path: Path) -> None:
    for arguments in (WHOLE | {"right": 0}, WHOLE | {"picture": 2}, WHOLE | {"picture": "/etc/passwd"}):
        outcome = await call_builtin("crop", arguments, [picture], LIMITS)
        assert outcome.failed
        assert outcome.text
        assert outcome.pictures == []
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert (await call_builtin("crop", WHOLE, [Picture(str(broken), "b", 1, 1)], LIMITS)).failed
    gone = Picture(str(tmp_path / "gone.png"), "gone", 1, 1)
    assert (await call_builtin("crop", WHOLE, [gone], LIMITS)).failed


async def test_a_region_of_a_picture_that_was_scaled_down_has_its_full_resolution(tmp_path: Path) -> None:
    # A photo on its side, 3000 x 2000 when upright, with small stripes that scaling wipes out, and a place in its EXIF.
    stripes = Image.new("RGB", (2000, 3000), "white")
    for row in range(0, 3000, 2):
        stripes.paste("black", (0, row, 2000, row + 1))
    exif = stripes.getexif()
    exif[0x0112] = 6
    exif[0x010E] = "secret place"
    path = tmp_path / "incoming"
    stripes.save(path, "JPEG", quality=95, exif=exif)
    store = UploadStore(tmp_path / "uploads")
    [small] = (await store.take(path, "photo.jpg", "t", replace(LIMITS, keep_original=True), 1)).pictures
    assert small.width < 1200
    asked = {"picture": 1, "left": 0.5, "top": 0.5, "right": 0.6, "bottom": 0.6}
    cut = await call_builtin("crop", asked, [small], LIMITS)
    assert "300 x 200 pixels of a picture with 3000 x 2000" in cut.text
    darkest, lightest = opened(cut.pictures[0]).convert("L").getextrema()
    assert lightest - darkest > 200
    whole = await call_builtin("crop", WHOLE, [small], LIMITS)
    assert "scaled down to 1097 x 731" in whole.text
    assert opened(whole.pictures[0]).size == (1097, 731)
    files = list((tmp_path / "uploads" / "t").iterdir())
    assert len(files) == 2
    assert not any(b"secret" in file.read_bytes() for file in files)
    # Without an original, as before tools could be called, the scaled picture is looked at.
    next(file for file in files if ".full." in file.name).unlink()
    assert "1097 x 731" in (await call_builtin("crop", asked, [small], LIMITS)).text
    store.close()
