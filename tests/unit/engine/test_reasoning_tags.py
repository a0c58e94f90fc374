"""Reasoning and answer are separated in the same way however the stream is split."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.reasoning_tags import KIMI_VL, Kind, Marks, Piece, Splitter, Start, join, split

CASES = [
    pytest.param("◁think▷Hm.◁/think▷Yes.", ("Hm.", "Yes."), id="both"),
    pytest.param("◁think▷\nHm.\n◁/think▷\n\nYes.\n", ("Hm.\n", "Yes.\n"), id="line-ends-after-marks-belong-to-them"),
    pytest.param("\n ◁think▷Hm.◁/think▷Yes.", ("Hm.", "Yes."), id="white-space-before"),
    pytest.param("◁think▷\n\n◁/think▷Yes.", ("", "Yes."), id="empty-block"),
    pytest.param("◁think▷Hm. And the", ("Hm. And the", ""), id="never-closed"),
    pytest.param("◁think▷Hm.◁/thin", ("Hm.◁/thin", ""), id="cut-inside-the-closing-mark"),
    pytest.param("Hm.◁/think▷Yes.", ("Hm.", "Yes."), id="closed-without-start"),
    pytest.param("◁/think▷\nYes.", ("", "Yes."), id="begins-with-the-closing-mark"),
    pytest.param("Yes.", ("", "Yes."), id="no-marks"),
    pytest.param("\n\nYes.", ("", "\n\nYes."), id="no-marks-nothing-trimmed"),
    pytest.param("", ("", ""), id="empty"),
    pytest.param(" \n", ("", " \n"), id="white-space-only"),
    pytest.param("◁thi", ("", "◁thi"), id="cut-inside-the-opening-mark"),
    pytest.param("◁thinks▷ is no mark", ("", "◁thinks▷ is no mark"), id="look-alike-of-the-opening-mark"),
    pytest.param("◁think▷a ◁/thing▷ b◁◁/think▷c", ("a ◁/thing▷ b◁", "c"), id="look-alike-of-the-closing-mark"),
    pytest.param("◁think▷a◁think▷b◁/think▷c", ("a◁think▷b", "c"), id="opened-twice"),
    pytest.param("◁think▷a◁/think▷b◁/think▷c", ("a", "b◁/think▷c"), id="closed-twice"),
    pytest.param("◁think▷a◁/think▷b◁think▷c◁/think▷d", ("a", "b◁think▷c◁/think▷d"), id="a-second-block-is-text"),
    pytest.param("It ends with `◁/think▷`.", ("", "It ends with `◁/think▷`."), id="in-inline-code-of-an-answer"),
    pytest.param("```\n◁/think▷\n```\n", ("", "```\n◁/think▷\n```\n"), id="in-a-code-block-of-an-answer"),
    pytest.param("See `code`.◁/think▷Yes.", ("See `code`.", "Yes."), id="after-code"),
    pytest.param("Say ◁think▷ first.", ("", "Say ◁think▷ first."), id="opening-mark-within-an-answer"),
]


@pytest.mark.parametrize(("text", "pair"), CASES)
def test_whole_and_character_by_character(text: str, pair: tuple[str, str]) -> None:
    splitter = Splitter()
    pieces = [piece for character in text for piece in splitter.feed(character)]
    assert join([*pieces, *splitter.finish()]) == pair
    assert split(text) == pair


# Texts made of marks, their beginnings and what surrounds them meet every state; random letters would not.
FRAGMENTS = ["◁think▷", "◁/think▷", "◁", "◁/", "◁/thi", "think▷", "◁think", "`", "```", "\n", "\r\n", " ", "a", "好"]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=12).map("".join)


@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=12), start=st.sampled_from(Start))
def test_every_cut_gives_the_same_pair(text: str, cuts: list[int], start: Start) -> None:
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    splitter = Splitter(start=start)
    pieces = [piece for a, b in itertools.pairwise(edges) for piece in splitter.feed(text[a:b])]
    assert join([*pieces, *splitter.finish()]) == split(text, start=start)


@given(text=TEXTS, start=st.sampled_from(Start))
def test_nothing_is_lost_but_marks_and_the_white_space_at_them(text: str, start: Start) -> None:
    reasoning, answer = split(text, start=start)
    rebuilt = {lead + reasoning + mid + answer for lead in ("", KIMI_VL.open) for mid in ("", KIMI_VL.close)}
    assert "".join(text.split()) in {"".join(whole.split()) for whole in rebuilt}


def test_text_is_passed_on_at_once_unless_it_may_be_a_mark() -> None:
    splitter = Splitter()
    assert splitter.feed("◁think▷So") == [Piece(Kind.REASONING, "So")]
    assert splitter.feed(" a ◁/th") == [Piece(Kind.REASONING, " a ")]
    assert splitter.in_reasoning
    assert splitter.feed("e end") == [Piece(Kind.REASONING, "◁/the end")]
    assert splitter.feed("◁/think▷\n") == []
    assert not splitter.in_reasoning
    assert splitter.feed("\nYes ◁/th") == [Piece(Kind.ANSWER, "Yes ◁/th")]


def test_a_late_closing_mark_takes_back_what_was_sent_as_answer() -> None:
    splitter = Splitter()
    assert splitter.feed("Hm.") == [Piece(Kind.ANSWER, "Hm.")]
    assert splitter.feed("◁/think▷Yes.") == [Piece(Kind.RETRACT, ""), Piece(Kind.ANSWER, "Yes.")]


def test_a_continued_message_starts_where_it_was_left() -> None:
    assert split("\nmore◁/think▷Yes.", start=Start.IN_REASONING) == ("\nmore", "Yes.")
    assert split("\n◁think▷ is the mark ◁/think▷", start=Start.IN_ANSWER) == ("", "\n◁think▷ is the mark ◁/think▷")


def test_other_marks() -> None:
    assert split("<think>Hm.</think>Yes.", Marks("<think>", "</think>")) == ("Hm.", "Yes.")
    assert split("[[Hm.]]Yes.", Marks("[[", "]]")) == ("Hm.", "Yes.")
