"""The text layer in the picture of a page: what is packed comes out again, and rubbish is nothing."""

import pytest

from engine.formats.text_layer import KEY, MOST_CHARACTERS, MOST_RUNS, Run, pack, unpack

RUN = Run(0.1, 0.2, 0.3, 0.4, "合计 12.50")


def test_what_is_packed_comes_out_again() -> None:
    assert unpack({KEY: pack([RUN, RUN])}) == [RUN, RUN]


def test_nothing_and_too_much_are_not_packed() -> None:
    assert pack([]) == ""
    assert pack([RUN] * (MOST_RUNS + 1)) == ""
    assert pack([Run(0, 0, 1, 1, "x" * (MOST_CHARACTERS + 1))]) == ""


@pytest.mark.parametrize("rubbish", ["", "{}", "[[1, 2]]", '[["a", 0, 0, 0, "x"]]', b"\xff"])
def test_rubbish_is_nothing(rubbish: str | bytes) -> None:
    assert unpack({KEY: rubbish}) == []
    assert unpack({}) == []
