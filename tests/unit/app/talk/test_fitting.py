"""Fitting a conversation into the context: the oldest turns go first, then the oldest pictures, never the question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.talk.conversation import Answer, Picture, Turn
from app.talk.fitting import Limits, TooLongError, estimate, fit, picture_tokens, upper_bound
from tests.instruments.answers import parts_of

PHOTO = Picture("/p.png", "p.png", 280, 280)
SCREEN = Limits(context=2000, picture_pixels=802_816, pictures_per_prompt=4)


def turn(name: str, words: int = 10, pictures: int = 0) -> Turn:
    photos = [Picture(f"/{name}{n}.png", f"{name}{n}", 280, 280) for n in range(pictures)]
    return Turn(name, "w" * words, photos, [Answer(parts_of(text="a" * words))], 0)


def names(turns: list[Turn]) -> str:
    return "".join(turn.id for turn in turns)


def test_a_conversation_that_fits_is_unchanged() -> None:
    fitted = fit([turn("a"), turn("b")], [], 100, SCREEN, len)
    assert (names(fitted.turns), fitted.max_tokens, fitted.left_out_turns) == ("ab", 100, 0)


def test_the_oldest_turns_go_first() -> None:
    fitted = fit([turn("a", 300), turn("b", 300), turn("c", 300), turn("d", 300)], [], 500, SCREEN, len)
    assert names(fitted.turns) == "cd"
    assert fitted.left_out_turns == 2


def test_then_the_oldest_pictures_of_the_turn_before_the_question() -> None:
    before = turn("b", 200, pictures=4)  # 4 x 106 tokens
    fitted = fit([turn("a"), before, turn("c", 800)], [], 500, SCREEN, len)
    assert names(fitted.turns) == "bc"
    assert [picture.name for picture in fitted.turns[0].pictures] == ["b2", "b3"]
    assert (fitted.left_out_turns, fitted.left_out_pictures) == (1, 2)
    assert len(before.pictures) == 4, "the conversation itself is not touched"


def test_never_the_question_even_if_the_answer_gets_less_room() -> None:
    fitted = fit([turn("a"), turn("b", 1700)], [], 500, SCREEN, len)
    assert names(fitted.turns) == "b"
    assert fitted.max_tokens == 2000 - 8 - 1708


def test_a_question_that_does_not_fit_is_refused_with_both_figures() -> None:
    with pytest.raises(TooLongError) as error:
        fit([turn("a", 1990)], [], 500, SCREEN, len)
    assert (error.value.needed, error.value.context) == (2006, 2000)


def test_the_system_prompt_counts() -> None:
    assert fit([turn("a")], ["s" * 1500], 1000, SCREEN, len).max_tokens == 2000 - 16 - 1500 - 18


def test_more_pictures_than_a_prompt_may_hold_cost_the_oldest() -> None:
    fitted = fit([turn("a", pictures=3), turn("b", pictures=3)], [], 100, SCREEN, len)
    assert [picture.name for shown in fitted.turns for picture in shown.pictures] == ["a2", "b0", "b1", "b2"]
    assert fitted.left_out_pictures == 2


def test_a_picture_costs_what_the_model_makes_of_it() -> None:
    assert picture_tokens(PHOTO, 802_816) == 10 * 10 + 6
    # Above the limit the model scales: 1024 tokens at most, and a little for rounding up.
    assert 1024 <= picture_tokens(Picture("/x", "x", 4000, 3000), 802_816) <= 1024 + 64 + 6


@given(st.text(max_size=200))
def test_the_bound_is_never_below_the_estimate(text: str) -> None:
    assert estimate(text) <= upper_bound(text)


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 5)), min_size=1, max_size=8),
    st.integers(1, 3000),
)
def test_whatever_is_sent_fits(sizes: list[tuple[int, int]], max_tokens: int) -> None:
    turns = [turn(str(n), words, pictures) for n, (words, pictures) in enumerate(sizes)]
    try:
        fitted = fit(turns, [], max_tokens, SCREEN, len)
    except TooLongError:
        return
    used = 8 + sum(
        len(t.text) + 8 + 106 * len(t.pictures) + (len(t.answers[0].text) + 8 if t is not fitted.turns[-1] else 0)
        for t in fitted.turns
    )
    assert used + fitted.max_tokens <= SCREEN.context
    assert fitted.turns[-1].id == turns[-1].id
    assert fitted.turns[-1].pictures == turns[-1].pictures


def test_each_text_of_a_long_chat_is_counted_a_few_times_however_much_is_left_out() -> None:
    counted = 0

    def count(text: str) -> int:
        nonlocal counted
        counted += 1
        return len(text)

    fitted = fit([turn(str(n)) for n in range(3000)], [], 500, SCREEN, count)
    assert fitted.left_out_turns > 2900
    assert counted < 4 * 2 * 3000
