"""The lines that an engine read, as it sends them, and as an answer keeps them."""

from __future__ import annotations

from typing import Any

import pytest

from app.talk.places import LONGEST_LABEL, MOST_PLACES, PicturePlaces, Place, box, merged, read_lines

A, B = (f"/uploads/thread/{letter * 64}.png" for letter in "ab")
CORNERS = [0.1, 0.2, 0.3, 0.2, 0.3, 0.4, 0.1, 0.4]


def line(**changes: Any) -> dict[str, Any]:
    return {"picture": 1, "text": "Total", "corners": CORNERS, **changes}


def test_lines_go_to_their_pictures() -> None:
    lines = [line(), line(picture=0, text="x" * 1000), line(text="9.50")]
    second, first = read_lines(lines, [A, B])
    shape = box(0.1, 0.2, 0.3, 0.4)
    assert second == PicturePlaces(f"{'b' * 64}.png", [Place("Total", shape), Place("9.50", shape)])
    assert first == PicturePlaces(f"{'a' * 64}.png", [Place("x" * LONGEST_LABEL, shape)])


@pytest.mark.parametrize(
    "wrong",
    [
        None, "line", [], line(picture=2), line(picture=-1), line(picture="0"), line(text=None), line(corners=None),
        line(corners=CORNERS[:7]), line(corners=[*CORNERS[:7], 1.1]), line(corners=[*CORNERS[:7], float("nan")]),
        line(corners=[*CORNERS[:7], "up"]),
    ],
)  # fmt: skip
def test_what_is_no_line_is_left_out(wrong: Any) -> None:
    assert read_lines([wrong], [A, B]) == []


def test_a_picture_that_is_read_again_is_kept_once_and_there_is_a_limit() -> None:
    place, other = (Place(name, (0.5, 0.5)) for name in ("a", "b"))
    both = merged([PicturePlaces("a", [place]), PicturePlaces("b", [place])], [PicturePlaces("a", [other])])
    assert both == [PicturePlaces("b", [place]), PicturePlaces("a", [other])]
    full = merged([], [PicturePlaces("a", [place] * MOST_PLACES), PicturePlaces("b", [place])])
    assert full == [PicturePlaces("a", [place] * MOST_PLACES)]
