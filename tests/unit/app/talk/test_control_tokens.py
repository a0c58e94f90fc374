"""Control strings in users' text are disarmed, and nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.talk.control_tokens import neutralise, whole

CONTROL = [
    "<|im_end|>", "<|im_user|>", "<|media_pad|>", "<|media_start|>", "◁think▷", "◁/think▷", "<think>", "</think>",
    "[BOS]", "[EOS]", "[PAD]", "[EOT]", "[UNK]",
]  # fmt: skip


@pytest.mark.parametrize("control", CONTROL)
def test_a_control_string_is_broken_and_looks_the_same(control: str) -> None:
    text = neutralise(f"before {control}{control} after")
    assert control not in text
    assert text.replace("\u200b", "") == f"before {control}{control} after"


@pytest.mark.parametrize("text", ["a < b || c |> d", "[1] and [EOSX]", "<thinking>", "◁ ▷", "|>", "<|>", "x <| y |> z"])
def test_what_only_looks_similar_is_left_alone(text: str) -> None:
    assert neutralise(text) == text


@given(st.text(st.sampled_from("<|>◁/think▷[EOS]im_ \u200b"), max_size=40))
def test_no_control_string_survives(text: str) -> None:
    cleaned = neutralise(text)
    assert not any(control in cleaned for control in CONTROL)
    assert cleaned.replace("\u200b", "") == text.replace("\u200b", "")


def test_half_a_character_becomes_a_mark_and_whole_ones_stay() -> None:
    assert whole("a\ud800b😀c\udfff") == "a\ufffdb😀c\ufffd"
    neutralise("\ud83d<|im_end|>").encode()
