"""Our own tools on the pictures of a chat, in their process."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from app.talk.conversation import Picture
from app.tools.builtin import call_builtin

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
    cut = await call_builtin("crop", UPPER_LEFT, [picture])
    assert not cut.failed
    assert opened(cut.pictures[0]).size == (100, 50)
    large = await call_builtin("zoom", UPPER_LEFT, [picture])
    assert opened(large.pictures[0]).size == (1024, 512)
    assert "10.2 times" in large.text


async def test_distances_and_colours_are_measured(picture: Picture) -> None:
    points = {"picture": 1, "from_x": 0, "from_y": 0, "to_x": 0.75, "to_y": 0.75}
    facts = json.loads((await call_builtin("measure", points, [picture])).text)
    assert (facts["from"]["colour"], facts["to"]["colour"]) == ("#ff0000", "#0000ff")
    assert facts["pixels"] == {"distance": 167.7, "across": 150, "down": 75}


async def test_what_makes_no_sense_is_said_and_other_files_are_out_of_reach(picture: Picture, tmp_path: Path) -> None:
    for arguments in (WHOLE | {"right": 0}, WHOLE | {"picture": 2}, WHOLE | {"picture": "/etc/passwd"}):
        outcome = await call_builtin("crop", arguments, [picture])
        assert outcome.failed
        assert outcome.text
        assert outcome.pictures == []
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    assert (await call_builtin("crop", WHOLE, [Picture(str(broken), "b", 1, 1)])).failed
    gone = Picture(str(tmp_path / "gone.png"), "gone", 1, 1)
    assert (await call_builtin("crop", WHOLE, [gone])).failed
