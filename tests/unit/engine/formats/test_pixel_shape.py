"""Oblong pixels become square ones, and nothing else changes."""

from fractions import Fraction
from typing import Any

import pytest

from engine.formats.pixel_shape import squared_size


@pytest.mark.parametrize(
    ("info", "size"),
    [
        ({"dpi": (204, 98)}, (1728, 2398)),
        ({"dpi": (98, 204)}, (3597, 1152)),
        ({"dpi": (Fraction(204), Fraction(196))}, (1728, 1152)),
        ({"aspect": (2, 1)}, (1728, 2304)),
        ({"jfif_density": (1, 2)}, (3456, 1152)),
        ({"dpi": (300, 300)}, (1728, 1152)),
        ({"dpi": (1, 72)}, (1728, 1152)),
        ({"dpi": (0, 72)}, (1728, 1152)),
        ({"dpi": "rubbish"}, (1728, 1152)),
        ({}, (1728, 1152)),
    ],
)
def test_the_side_with_fewer_dots_to_an_inch_grows(info: dict[str, Any], size: tuple[int, int]) -> None:
    assert squared_size((1728, 1152), info) == size
