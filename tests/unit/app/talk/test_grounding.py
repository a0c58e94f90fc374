"""Boxes and points in a model's words: which forms are understood, and which numbers are none."""

from __future__ import annotations

import time

import pytest

from app.talk.grounding import MOST_FOUND, find
from app.talk.places import Place, box

ONE = [(1000, 500)]
SQUARE = box(0.25, 0.5, 0.5, 0.75)


@pytest.mark.parametrize(
    ("text", "label", "shape"),
    [
        ('```json\n[{"bbox_2d": [0.25, 0.5, 0.5, 0.75], "label": "a cup"}]\n```', "a cup", SQUARE),
        ('{"label": "say \\"hi\\" 一", "bbox": [0.25,0.5,0.5,0.75]}', 'say "hi" 一', SQUARE),
        ('{"bbox_2d": [250, 250, 500, 375]}', "", SQUARE),
        ('{"point_2d": [0.25, 0.5], "label": "nose"}', "nose", (0.25, 0.5)),
        ("## Code:\n```python\npyautogui.click(x=0.365, y=0.317)\n```", "click", (0.365, 0.317)),
        ("doubleClick(x=250, y=250, button='left')", "doubleClick", (0.25, 0.5)),
        ("<ref>the menu</ref><box>[[250, 500, 500, 750]]</box>", "the menu", SQUARE),
        ("<box>(250,500),(500,750)</box>", "", SQUARE),
        ("<box>0.25 0.5 0.5 0.75</box>", "", SQUARE),
        ("<point>250, 500</point>", "", (0.25, 0.5)),
        ("1. **Submit button**: [0.25, 0.5, 0.5, 0.75]", "Submit button", SQUARE),
        ("提交按钮：[.25, .5, .5, .75]", "提交按钮", SQUARE),
    ],
)
def test_a_form_that_models_use_is_a_place(text: str, label: str, shape: tuple[float, ...]) -> None:
    assert find(text, ONE) == [(0, Place(label, shape))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The range [0.1, 0.2] and the list [1, 2, 3, 4].",
        "[0, 0, 1, 1]",
        "[0.5, 0.5, 0.25, 0.75]",
        "[0.25, 0.5, 0.5, 7.5]",
        '{"bbox_2d": [0.25, 0.5, 0.5]}',
        '{"bbox_2d": [-0.25, 0.5, 0.5, 0.75]}',
        '{"bbox_2d": [250, 250, 1001, 375]}',
        "<box>250 500 500 1750</box>",
        "click(1, 0) and onclick(x, y)",
        "```python\nweights = [0.1, 0.2, 0.3, 0.4]\n```",
        "~~~c++\nfloat w[] = [0.1, 0.2, 0.3, 0.4]",
    ],
)
def test_other_numbers_are_none(text: str) -> None:
    assert find(text, ONE) == []


def test_a_place_is_in_the_last_picture_unless_the_answer_names_another() -> None:
    text = (
        "[0.1, 0.1, 0.2, 0.2]\nPicture 1:\n- cup [0.1, 0.1, 0.3, 0.3]\n- [0.1, 0.1, 0.4, 0.4]\n"
        "图 2：[0.1, 0.1, 0.5, 0.5]\nImage 9: [0.1, 0.1, 0.6, 0.6]"
    )
    assert [at for at, _ in find(text, ONE * 3)] == [2, 0, 0, 1, 1]
    assert find(text, []) == []


def test_a_place_is_found_once_and_not_without_limit() -> None:
    assert len(find("[0.1, 0.1, 0.2, 0.2] " * 5, ONE)) == 1
    assert len(find("".join(f"[0.1, 0.1, 0.2, 0.2{n:03}]" for n in range(500)), ONE)) == MOST_FOUND


@pytest.mark.parametrize(
    "text",
    [
        '"bbox":[' * 20_000,
        "<ref>" * 20_000,
        "```" * 33_000,
        "[0.1," * 20_000,
        '{"label": "' * 9_000,
        "0" * 99_000,
        "picture" + " " * 99_000 + "x",
        "第" + " " * 99_000,
        "click(x=1,y=1)" * 3_500 + "[0,0,0,.1]" * 5_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    find(text + "[0.1, 0.1, 0.2, 0.2]" * 2, ONE)
    assert time.process_time() - began < 2
