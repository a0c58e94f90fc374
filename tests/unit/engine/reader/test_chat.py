"""Requests and replies: what is asked, and how a reply is cut, counted and continued."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest.mock import ANY

import pytest

from engine.reader import chat
from engine.reader.chat import Fetched, Piece, Usage
from engine.reader.errors import ReaderError
from engine.reader.messages import ChatRequest, Shown, conversation
from engine.reader.reading.lines import Line
from engine.reader.reading.prepare import Pixels
from engine.reader.stream import Reply
from engine.reader.worker import Worker
from tests.instruments.pictures import png, shop_sign
from tests.unit.engine.reader.lines import line


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
    assert (talk.question, talk.before, talk.now, talk.prefix) == (
        "And\nhere?",
        [Shown("a")],
        [Shown("b"), Shown("c")],
        None,
    )
    assert talk.characters == len("Be brief.Total?4.26And\nhere?")


def test_the_captions_of_frames_are_headings_and_no_part_of_the_question() -> None:
    said = [text("Frame at 0:00:"), picture("a"), text("Frame at 1:02:03:"), picture("b"), picture("c"), text("Total?")]
    talk = conversation(request(("user", said)))
    assert talk.question == "Total?"
    assert talk.now == [Shown("a", "0:00"), Shown("b", "1:02:03"), Shown("c")]


def test_a_continued_answer_belongs_to_the_question_before_it() -> None:
    talk = conversation(
        request(
            ("user", [picture("a"), text("Total?")]), ("assistant", "> 4."),
            continue_final_message=True, add_generation_prompt=False,
        )
    )  # fmt: skip
    assert (talk.question, talk.now, talk.prefix) == ("Total?", [Shown("a")], "> 4.")


def test_a_field_that_is_null_is_not_set() -> None:
    given = dict.fromkeys(("model", "stream", "stop", "n", "continue_final_message", "add_generation_prompt", "seed"))
    asked = request(("user", [text("x") | {"image_url": None}]), **given, stream_options={"include_usage": None})
    assert asked == request(("user", [text("x")]), stream_options={})
    assert request(("user", "x"), max_tokens=None, stream_options=None) == request(("user", "x"))


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


class Letters:
    """A recogniser that finds one line, another in each picture."""

    def __init__(self) -> None:
        self.read_so_far = 0

    def read(self, pixels: Pixels, progress: Callable[[int, int], None]) -> list[Line]:
        self.read_so_far += 1
        progress(0, 1)
        return [line(f"page {self.read_so_far}", 0, 0, 90)]


@asynccontextmanager
async def reading(recogniser: Letters) -> AsyncIterator[Worker]:
    worker = Worker(lambda: recogniser, 60)
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


PAGES = [Fetched(png(shop_sign(letter)), "") for letter in "ABC"]


async def test_the_pages_of_a_document_are_shown_as_they_are_read() -> None:
    recogniser = Letters()
    talk = conversation(request(("user", [picture("a"), picture("b"), picture("c"), text("Read all the text.")])))
    shown, seen = "", []
    async with reading(recogniser) as worker:
        async for piece in chat.reply(talk, PAGES, worker, []):
            if piece.kind == "content":
                shown += piece.text
                seen.append(recogniser.read_so_far)
    assert seen == sorted(seen)
    assert set(seen) == {1, 2, 3}
    assert shown == "\n\n".join(f"Picture {n}:\n\n```\npage {n}\n```" for n in (1, 2, 3))


async def test_the_places_of_lines_come_for_those_who_ask_with_the_number_of_their_picture() -> None:
    said = [("user", [picture("a"), picture("b")]), ("assistant", "x"), ("user", [picture("c"), text("Total?")])]
    for asked in (False, True):
        talk = conversation(request(*said, include_lines=asked))
        async with reading(Letters()) as worker:
            parts = chat.reply(talk, [Fetched(PAGES[0].data, "", 2)], worker, [])
            body = await Reply("reader").whole(chat.limited(parts, 100, Usage(prompt=1)), Usage(prompt=1))
        lines = body["choices"][0]["message"].get("lines")  # type: ignore[index]
        assert lines == ([{"picture": 2, "text": "page 1", "corners": ANY}] if asked else None)
    assert len(lines[0]["corners"]) == 8


async def test_a_picture_has_its_number_in_the_whole_prompt() -> None:
    a, b = (f"data:;base64,{base64.b64encode(png(shop_sign(letter))).decode()}" for letter in "AB")
    async with reading(Letters()) as worker:
        now = conversation(request(("user", [picture(a)]), ("user", [picture(b), text("Total?")])))
        assert [one.number for one in await chat.fetch(now, worker, None, 9)] == [1]
        later = conversation(request(("user", [picture(a)]), ("user", [picture(a), picture(b)]), ("user", "Total?")))
        assert [one.number for one in await chat.fetch(later, worker, None, 9)] == [0, 2]


async def test_a_question_to_several_pages_is_answered_when_all_are_read() -> None:
    recogniser = Letters()
    talk = conversation(request(("user", [picture("a"), picture("b"), picture("c"), text("Which page is this?")])))
    async with reading(recogniser) as worker:
        seen = {
            recogniser.read_so_far async for piece in chat.reply(talk, PAGES, worker, []) if piece.kind == "content"
        }
    assert seen == {3}


async def test_a_greeting_looks_at_no_earlier_picture() -> None:
    talk = conversation(request(("user", [picture("data:,x")]), ("assistant", "x"), ("user", "Hello!")))
    async with reading(Letters()) as worker:
        assert await chat.fetch(talk, worker, None, 9) == []
        said = "".join([piece.text async for piece in chat.reply(talk, [], worker, [])])
    assert said.startswith("This engine reads the text in pictures")
