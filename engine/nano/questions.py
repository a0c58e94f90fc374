"""What nano is asked, and what it then says: to name the shape in a picture, and to count."""

from __future__ import annotations

import random

from PIL import Image

from engine.nano.shapes import SHAPES, draw_shape

Reply = tuple[str, str]
"""Thoughts and answer."""
LASTS = (1, 2, 3, 9, 10, 11, 20, 50, 57, 99, 100, 101, 150, 200, 201, 249, 277, 299, 300)
"""To these numbers nano counts without a mistake."""
_ABOUT_A_SHAPE = (
    "What is in the picture?",
    "Which shape is this?",
    "Describe this image.",
    "Tell me what you see here.",
)
_SEED = 20_261_121
"""Nano was not trained with it."""


def numbers(last: int, first: int = 1) -> str:
    """What nano says when it counts."""
    return " ".join(str(number) for number in range(first, last + 1))


def thinking(last: int) -> str:
    """What nano thinks when it counts."""
    return f"I count from 1 to {last}: {numbers(last)}"


def about_shape(shape: str) -> Reply:
    """What nano says of a picture of this shape."""
    return f"I see a {shape}.", f"A {shape}."


def fresh_shapes(each: int = 25) -> list[tuple[str, Image.Image, str]]:
    """So many of each shape, rendered as nano has never seen them: (shape, picture, question)."""
    rng = random.Random(_SEED)  # noqa: S311 - not for security
    asked = [shape for shape in SHAPES for _ in range(each)]
    return [(shape, draw_shape(shape, rng), rng.choice(_ABOUT_A_SHAPE)) for shape in asked]
