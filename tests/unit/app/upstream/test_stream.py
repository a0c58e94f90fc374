"""The engine's bytes give the same result however they are split."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.talk.figures import MAX_FINISH_REASON, Usage
from app.upstream.stream import BrokenStreamError, StreamedError, StreamReader
from engine.reasoning_tags import KIMI_VL, Kind, Marks, Start, join


def event(**delta: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}, ensure_ascii=False).encode() + b"\n\n"


def finish(reason: str = "stop") -> bytes:
    choice = {"index": 0, "delta": {}, "finish_reason": reason}
    usage = {"prompt_tokens": 5, "completion_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 3}}
    return (
        b"data: " + json.dumps({"choices": [choice]}).encode() + b"\r\n\r\n"
        b": a comment\n\ndata: " + json.dumps({"choices": [], "usage": usage}).encode() + b"\n\ndata: [DONE]\n\n"
    )


@given(st.data())
def test_every_cut_of_the_bytes_gives_the_same(data: st.DataObject) -> None:
    stream = (
        event(role="assistant", content="") + event(reasoning="看 ") + event(reasoning="图") + event(content="店名")
    )
    stream += event(content=": 川味") + finish("length")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader, pieces = StreamReader(), []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += reader.feed(stream[begin:end])
    assert join([*pieces, *reader.finish()]) == ("看 图", "店名: 川味")
    assert (reader.finish_reason, reader.usage, reader.done) == ("length", Usage(5, 7, 3), True)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_both_names_of_the_reasoning_field(name: str) -> None:
    [piece] = StreamReader().feed(event(**{name: "so", "content": None}))
    assert piece == (Kind.REASONING, "so")


def test_marks_left_in_the_answer_are_found() -> None:
    reader = StreamReader(KIMI_VL)
    pieces = [piece for part in ("◁th", "ink▷so", "◁/think▷", "yes") for piece in reader.feed(event(content=part))]
    reader.feed(finish())
    assert join([*pieces, *reader.finish()]) == ("so", "yes")
    assert not reader.engine_splits


def test_an_engine_that_splits_itself_may_speak_about_the_marks() -> None:
    reader = StreamReader(KIMI_VL)
    pieces = reader.feed(event(reasoning="so") + event(content="The mark is ◁/think▷.") + finish())
    assert join(pieces) == ("so", "The mark is ◁/think▷.")
    assert reader.engine_splits


def test_a_continued_answer_begins_where_it_ended() -> None:
    assert join(StreamReader(KIMI_VL, Start.IN_REASONING).feed(event(content="more◁/think▷yes"))) == ("more", "yes")
    assert join(StreamReader(KIMI_VL, Start.IN_ANSWER).feed(event(content="◁think▷"))) == ("", "◁think▷")


def test_a_stream_without_an_end_is_broken() -> None:
    reader = StreamReader()
    reader.feed(event(content="half an ans"))
    with pytest.raises(BrokenStreamError):
        reader.finish()


@pytest.mark.parametrize("line", [b"data: {oops\n\n", b"data: [1]\n\n", b"data: \xff\n\n"])
def test_invalid_json_is_broken(line: bytes) -> None:
    with pytest.raises(BrokenStreamError):
        StreamReader().feed(line)


def test_an_endless_event_is_broken() -> None:
    reader = StreamReader()
    with pytest.raises(BrokenStreamError):
        for _ in range(20):
            reader.feed(b"data: " + b"x" * 1024 * 1024)


def test_an_error_inside_the_stream_is_passed_on() -> None:
    with pytest.raises(StreamedError, match="out of memory"):
        StreamReader().feed(b'data: {"error": {"message": "out of memory", "code": 500}}\n\n')


def test_an_answer_that_was_not_streamed() -> None:
    message = {"role": "assistant", "reasoning": "so", "content": "yes"}
    reader = StreamReader(KIMI_VL)
    body = {"choices": [{"message": message, "finish_reason": "length"}], "usage": {"prompt_tokens": 1}}
    assert join(reader.read_whole(json.dumps(body).encode())) == ("so", "yes")
    assert (reader.finish_reason, reader.usage) == ("length", Usage(1, 0))
    with pytest.raises(BrokenStreamError):
        reader.read_whole(b'{"choices": []}')
    with pytest.raises(BrokenStreamError):
        StreamReader(KIMI_VL).read_whole(json.dumps({**body, "usage": [3]}).encode())


def test_what_an_engine_repeats_of_a_whole_answer_is_left_out() -> None:
    body = {"choices": [{"message": {"content": "◁think▷so◁/think▷yes, it is"}}]}
    reader = StreamReader(KIMI_VL, Start.IN_ANSWER)
    assert join(reader.read_whole(json.dumps(body).encode(), "◁think▷so◁/think▷yes")) == ("", ", it is")
    # One that does not repeat it says only what is new.
    body["choices"][0]["message"]["content"] = ", it is"
    reader = StreamReader(KIMI_VL, Start.IN_ANSWER)
    assert join(reader.read_whole(json.dumps(body).encode(), "◁think▷so◁/think▷yes")) == ("", ", it is")


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": 5}, {"choices": [5]}, {"choices": [{"delta": "x"}]}, {"choices": [{"delta": {"content": 5}}]},
        {"choices": [{"delta": {"reasoning": ["a"]}}]}, {"choices": [], "usage": [3]}, [1, 2], 7, None,
        {"choices": [{"delta": {}, "finish_reason": {"of": "mine"}}]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("marks", [None, KIMI_VL])
def test_an_event_of_another_shape_is_broken(payload: object, marks: Marks | None) -> None:
    with pytest.raises(BrokenStreamError):
        StreamReader(marks).feed(b"data: " + json.dumps(payload).encode() + b"\n\n")


def test_figures_that_make_no_sense_are_not_kept() -> None:
    usage = {"prompt_tokens": "many", "completion_tokens": -3, "completion_tokens_details": {"reasoning_tokens": 1e300}}
    usage["prompt_tokens_details"] = {"cached_tokens": 10**40}
    reader = StreamReader()
    body = {"choices": [{"message": {"content": "yes"}, "finish_reason": "x" * 10_000}]}
    reader.read_whole(json.dumps({**body, "usage": usage}).encode())
    assert (reader.finish_reason, reader.usage) == ("x" * MAX_FINISH_REASON, Usage(0, 0))
