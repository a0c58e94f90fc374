"""Requests and replies: what is asked, and how a reply is cut, counted and continued."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from engine.reader import chat
from engine.reader.chat import Piece, Usage
from engine.reader.errors import ReaderError
from engine.reader.messages import ChatRequest, conversation


def picture(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def request(*messages: tuple[str, Any], **fields: Any) -> ChatRequest:
    return ChatRequest.model_validate({"messages": [{"role": r, "content": c} for r, c in messages], **fields})


def test_the_pictures_of_the_asking_message_are_apart_from_those_before() -> None:
    talk = conversation(
        request(
            ("system", "Be brief."),
            ("user", [picture("a"), text("Total?")]),
            ("assistant", "4.26"),
            ("user", [picture("b"), picture("c"), text("And"), text("here?")]),
        )
    )
    assert (talk.question, talk.before, talk.now, talk.prefix) == ("And\nhere?", ["a"], ["b", "c"], None)
    assert talk.characters == len("Be brief.Total?4.26And\nhere?")


def test_a_continued_answer_belongs_to_the_question_before_it() -> None:
    talk = conversation(
        request(
            ("user", [picture("a"), text("Total?")]), ("assistant", "> 4."),
            continue_final_message=True, add_generation_prompt=False,
        )
    )  # fmt: skip
    assert (talk.question, talk.now, talk.prefix) == ("Total?", ["a"], "> 4.")


@pytest.mark.parametrize(
    ("messages", "fields"),
    [
        ([("system", "x")], {}),
        ([("user", "x")], {"continue_final_message": True, "add_generation_prompt": False}),
        ([("user", "x"), ("assistant", "y")], {"continue_final_message": True}),
    ],
)
def test_requests_that_ask_nothing_are_refused(messages: list[tuple[str, Any]], fields: dict[str, Any]) -> None:
    with pytest.raises(ReaderError):
        conversation(request(*messages, **fields))


@pytest.mark.parametrize(
    ("whole", "prefix", "rest"),
    [
        ("abc", "", "abc"),
        ("abc", "ab", "c"),
        ("abc", "abc", ""),
        ("ab\n\nc", "ab\n", "\nc"),
        ("ab cd", "ab \n", " cd"),
        ("abc", "x", "\n\nabc"),
    ],
)
def test_a_continued_answer_resumes_where_it_was_cut(whole: str, prefix: str, rest: str) -> None:
    assert chat.rest_of(whole, prefix) == rest


@pytest.mark.parametrize(
    ("stops", "left"), [([], "one two"), (["two"], "one "), (["two", "e"], "on"), (["none"], "one two")]
)
def test_stop_strings_end_the_answer_and_are_not_in_it(stops: list[str], left: str) -> None:
    assert chat.before_stop("one two", stops) == left


@pytest.mark.parametrize(
    "whole", ["", "\n", "short", "x" * 100, "a line of several words that is long\n\n```\n中文" * 5]
)
def test_pieces_are_small_and_add_up(whole: str) -> None:
    found = chat.pieces(whole)
    assert "".join(found) == whole
    assert all(0 < len(piece) <= 24 for piece in found)


async def said() -> AsyncGenerator[Piece]:
    yield Piece("reasoning", "12345")
    yield Piece("content", "abcde")
    yield Piece("content", "fgh")


@pytest.mark.parametrize(
    ("most", "reasoning", "content", "reason"),
    [(100, 5, 8, "stop"), (13, 5, 8, "stop"), (12, 5, 7, "length"), (5, 5, 0, "length"), (3, 3, 0, "length")],
)
async def test_a_token_is_a_character_and_reasoning_counts(
    most: int, reasoning: int, content: int, reason: str
) -> None:
    usage = Usage(prompt=4)
    parts = [part async for part in chat.limited(said(), most, usage)]
    assert sum(len(part.text) for part in parts) == reasoning + content
    assert usage.finish_reason == reason
    assert usage.body() == {
        "prompt_tokens": 4,
        "completion_tokens": reasoning + content,
        "total_tokens": 4 + reasoning + content,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }


def test_the_limit_is_the_wish_or_the_room() -> None:
    asked = request(("user", "four"))
    talk = conversation(asked)
    assert chat.token_limit(asked, talk, 100) == 96
    assert chat.token_limit(request(("user", "four"), max_tokens=9), talk, 100) == 9
    assert chat.token_limit(request(("user", "four"), max_tokens=9, max_completion_tokens=7), talk, 100) == 7
    with pytest.raises(ReaderError) as refused:
        chat.token_limit(request(("user", "four"), max_tokens=97), talk, 100)
    assert refused.value.param == "max_tokens"
    with pytest.raises(ReaderError) as refused:
        chat.token_limit(asked, talk, 4)
    assert refused.value.param == "input_tokens"
