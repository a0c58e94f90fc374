"""The scoring itself: a wrong one would hide a bad reader."""

import pytest

from engine.measure.accuracy.scoring import transcript
from tests.ocr.scoring import characters_right, quotes, stands_in


def test_width_and_whitespace_do_not_count_but_letters_do() -> None:
    assert characters_right("合计：¥ 12.50", "合计:￥12.50\n") == 1
    assert characters_right("abcd", "abXd") == 0.75
    assert characters_right("ab", "something else entirely") == 0


def test_lines_in_the_wrong_order_count() -> None:
    assert characters_right("first\nsecond", "second\nfirst") < 0.5


@pytest.mark.parametrize(
    ("answer", "text", "found"),
    [
        ("Blue Heron", "the BLUE-HERON cafe", True),
        ("12.50", "total 12.50", True),
        ("12.50", "total 1250", False),
        ("45%", "45 percent", False),
        ("47", "stock 470", False),
        ("47", "47 12.50", True),
        ("8F", "Seat 8 F", True),
        ("6.80", "56.80", False),
        ("2024年6月4日", "2024年6月4日08:40", True),
        ("09/11/2024", "09112024", False),
        ("川味小馆", "川 味 小 馆", True),
        ("川味小馆", "川味大馆", False),
    ],
)
def test_an_answer_is_found_where_a_person_would_find_it(answer: str, text: str, found: bool) -> None:
    assert stands_in(("no such thing", answer), text) is found


def test_only_the_first_three_quoted_lines_count() -> None:
    answer = "> one\n> two\n> three\n> four\n\n```\nall the rest\n```\n"
    assert quotes(answer) == "one\ntwo\nthree"


def test_a_transcript_without_a_quote_quotes_nothing() -> None:
    assert quotes("```\nall of it\n```") == ""
    assert quotes("No text was found.") == "No text was found."


def test_the_transcript_is_the_first_block_whatever_its_fence() -> None:
    assert transcript("> quote\n\n````text\na ``` b\nc\n````\n```\nsecond\n```\n") == "a ``` b\nc\n"
    assert transcript("no block at all") == "no block at all"
