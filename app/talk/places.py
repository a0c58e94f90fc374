"""Places in pictures that an answer is about: the lines that an OCR engine read, or what a model points at.

Coordinates are shares of the picture's width and height, 0 to 1, so that they hold at any size.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from app.talk.control_tokens import whole

MOST_PLACES = 1000
"""Of one answer: the lines of some twenty pages."""
LONGEST_LABEL = 300

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Point = tuple[Share, Share]
Corners = tuple[Share, Share, Share, Share, Share, Share, Share, Share]


@dataclass(frozen=True, slots=True)
class Place:
    """A place and what is there. `shape` is x and y of a point, or of each corner of an area."""

    label: Annotated[str, Field(max_length=LONGEST_LABEL)]
    shape: Point | Corners


@dataclass
class PicturePlaces:
    """The places in one picture, by the name of its file in the thread's folder of uploads."""

    file: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\.(png|jpg)$")]
    places: Annotated[list[Place], Field(max_length=MOST_PLACES)] = field(default_factory=list)


_CORNERS: TypeAdapter[Corners] = TypeAdapter(Corners)


def box(left: float, top: float, right: float, bottom: float) -> Corners:
    """The corners of an upright box, from the upper left one clockwise."""
    return left, top, right, top, right, bottom, left, bottom


def read_lines(lines: Iterable[object], paths: Sequence[str]) -> list[PicturePlaces]:
    """The lines of an engine's reply (`docs/reader.md`) by picture; `paths` are those of the request, in order.

    What is no such line is left out.
    """
    found: dict[str, PicturePlaces] = {}
    for line in lines:
        if not isinstance(line, Mapping):
            continue
        number, label = line.get("picture"), line.get("text")
        if not (isinstance(number, int) and 0 <= number < len(paths) and isinstance(label, str)):
            continue
        if corners := _corners(line.get("corners")):
            file = Path(paths[number]).name
            found.setdefault(file, PicturePlaces(file)).places.append(Place(whole(label)[:LONGEST_LABEL], corners))
    return list(found.values())


def _corners(value: Any) -> Corners | None:
    try:
        return _CORNERS.validate_python(value)
    except ValidationError:
        return None


def merged(before: Sequence[PicturePlaces], after: Sequence[PicturePlaces]) -> list[PicturePlaces]:
    """Both, up to the limit; `after` replaces what was known of the same picture."""
    again = {one.file for one in after}
    room, kept = MOST_PLACES, []
    for one in [*(one for one in before if one.file not in again), *after]:
        if some := one.places[:room]:
            kept.append(PicturePlaces(one.file, some))
            room -= len(some)
    return kept
