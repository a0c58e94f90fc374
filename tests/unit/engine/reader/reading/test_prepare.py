"""Preparation of a picture for the recogniser."""

import numpy as np
import pytest
from PIL import Image

from engine.reader.reading import prepare


def test_the_exif_orientation_is_applied() -> None:
    picture = Image.new("RGB", (30, 20))
    picture.getexif()[0x0112] = 6  # a quarter turn
    assert prepare.upright(picture).size == (20, 30)


def test_transparent_parts_are_white() -> None:
    picture = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    picture.putpixel((0, 0), (10, 20, 30, 255))
    flat = prepare.opaque(picture)
    assert flat.mode == "RGB"
    assert flat.getpixel((3, 3)) == (255, 255, 255)
    assert flat.getpixel((0, 0)) == (10, 20, 30)


def test_white_ink_on_transparency_gets_a_dark_ground() -> None:
    picture = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    picture.putpixel((0, 0), (255, 255, 255, 255))
    assert prepare.opaque(picture).getpixel((3, 3)) == (0, 0, 0)


def test_a_palette_with_a_transparent_colour_counts_as_transparent() -> None:
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([0, 0, 0, 9, 9, 9])
    picture.info["transparency"] = 0
    picture.putpixel((0, 0), 1)
    assert prepare.opaque(picture).getpixel((3, 3)) == (255, 255, 255)


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_deep_grey_picture_keeps_its_contrast(kind: type[np.generic]) -> None:
    deep = Image.fromarray(np.array([[0, 30000], [60000, 60000]], kind))
    assert [prepare.opaque(deep).getpixel(at) for at in ((0, 0), (1, 0), (0, 1))] == [
        (0, 0, 0), (127, 127, 127), (255, 255, 255)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "factor"),
    [((200, 300), 4), ((310, 400), 3), ((40, 60), 4), ((320, 320), 1), ((215, 1896), 1), ((1000, 4000), 1)],
)
def test_small_pictures_are_enlarged(size: tuple[int, int], factor: float) -> None:
    assert prepare.scale(*size) == factor


@pytest.mark.parametrize("size", [(4000, 3000), (1080, 12000), (20000, 2000)])
def test_large_pictures_are_reduced_to_one_area(size: tuple[int, int]) -> None:
    factor = prepare.scale(*size)
    assert size[0] * size[1] * factor**2 == pytest.approx(4_000_000)


def test_a_tight_picture_gets_a_border_of_its_ground() -> None:
    picture = Image.new("RGB", (60, 20), (200, 10, 10))
    picture.putpixel((30, 10), (255, 255, 255))
    framed = prepare.bordered(picture, tight=True)
    assert framed.size == (140, 100)
    assert framed.getpixel((0, 0)) == (200, 10, 10)
    assert prepare.bordered(picture, tight=False) is picture


def test_pixels_are_blue_green_red() -> None:
    values, border = prepare.prepare(Image.new("RGB", (400, 330), (1, 2, 3)))
    assert border == 0
    assert values.shape == (330, 400, 3)
    assert values.dtype == np.uint8
    assert values[0, 0].tolist() == [3, 2, 1]
