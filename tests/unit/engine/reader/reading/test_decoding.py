"""Steps of the recogniser become text: with spaces half thought of, marks it does not know, and ink it skipped."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.reader.reading.decoding import decode, misses_ink, with_inverted_mark

ALPHABET = ["blank", *"abcABC1!中文", " "]


def steps(*letters: str, space: dict[int, float] | None = None) -> NDArray[np.float32]:
    """Each of `letters` at one step, "" for the blank; `space` is how likely a space is at a step."""
    likely = np.zeros((len(letters), len(ALPHABET)), np.float32)
    for step, letter in enumerate(letters):
        likely[step, ALPHABET.index(letter) if letter else 0] = 0.9
    for step, share in (space or {}).items():
        likely[step, -1] = share
    return likely


@pytest.mark.parametrize(
    ("letters", "space", "text"),
    [
        (("a", "a", "", "a", "b"), {}, "aab"),
        (("a", "", "b"), {1: 0.4}, "a b"),
        (("a", "", "b"), {1: 0.1}, "ab"),
        (("a", " ", "", "b"), {2: 0.4}, "a b"),
        (("中", "", "文"), {1: 0.4}, "中文"),
        (("", ""), {}, ""),
    ],
)
def test_steps_become_text(letters: tuple[str, ...], space: dict[int, float], text: str) -> None:
    decoded = decode(steps(*letters, space=space), ALPHABET)
    assert decoded.text == text
    assert decoded.score == pytest.approx(0.9 if text else 0)


def test_places_are_shares_of_the_strip() -> None:
    assert decode(steps("", "a", " ", "b"), ALPHABET).places == pytest.approx([0.375, 0.875])


def marked(width: int, *stretches: tuple[int, int]) -> NDArray[np.bool_]:
    found = np.zeros(width, bool)
    for start, end in stretches:
        found[start:end] = True
    return found


def test_ink_without_letters_is_noticed() -> None:
    half = decode(steps("", "", "", "a", "1", "b"), ALPHABET)
    assert misses_ink(half, marked(240, (0, 240)), 40)
    assert not misses_ink(half, marked(240, (120, 240)), 40)
    assert misses_ink(decode(steps("", ""), ALPHABET), marked(240, (10, 230)), 40)
    assert not misses_ink(decode(steps(*"abcABC"), ALPHABET), marked(240, (0, 240)), 40)


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [("Aa!", 5, "¡Aa!"), ("Aa!", 20, "Aa!"), ("Aa", 5, "Aa"), ("aa!", 5, "aa!"), ("Ia!", 5, "Ia!"), ("", 5, "")],
)
def test_an_inverted_exclamation_mark_is_seen_by_its_ink(text: str, first: int, expected: str) -> None:
    assert with_inverted_mark(text, marked(200, (4, 4 + first), (30, 190)), 40) == expected
