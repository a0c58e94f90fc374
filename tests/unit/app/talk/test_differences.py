"""Where two texts differ."""

import pytest

from app.talk.differences import MOST_WORDS, Stretch, differences


def marked(stretches: list[Stretch]) -> str:
    return "".join(f"[{text}]" if differs else text for text, differs in stretches)


@pytest.mark.parametrize(
    ("first", "second", "shown", "places"),
    [
        ("It opens at 9:00.", "It opens at 10:00.", ("It opens at [9:00].", "It opens at [10:00]."), 1),
        ("tea 3.50", "tea 3.80", ("tea [3.50]", "tea [3.80]"), 1),
        ("a b", "a new b", ("a b", "a [new ]b"), 1),
        ("招牌是豫园。", "招牌是大豫园！", ("招牌是豫园[。]", "招牌是[大]豫园[！]"), 2),
        (" the same\ntext", "the same text", (" the same\ntext", "the same text"), 0),
        ("", "all", ("", "[all]"), 1),
        ("<b>x</b>", "<i>x</i>", ("<[b]>x</[b]>", "<[i]>x</[i]>"), 2),
    ],
)
def test_what_differs_is_marked_in_both(first: str, second: str, shown: tuple[str, str], places: int) -> None:
    found = differences(first, second)
    assert (marked(found.first), marked(found.second)) == shown
    assert found.places == places


def test_nothing_of_a_text_is_lost() -> None:
    first, second = "  a\n\n| b | 好的 |\r\n\u00a0c\u2028", "x\n a 好\t的 c"
    found = differences(first, second)
    assert ("".join(text for text, _ in found.first), "".join(text for text, _ in found.second)) == (first, second)


def test_long_texts_are_compared_by_lines_and_hostile_ones_as_a_whole() -> None:
    lines = ["a line of words\n"] * (MOST_WORDS // 2)
    found = differences("".join(lines), "".join([*lines, "and more"]))
    assert marked(found.second).endswith("a line of words\n[and more]")
    endless = "a\n" * 200_000
    found = differences(endless, endless + "b")
    assert (len(found.first), found.places) == (1, 1)
