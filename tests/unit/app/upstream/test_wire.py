"""Recorded streams of real engines: each gives the same result however its bytes are split.

The streams are in `tests/recorded/wire`; the comment at the top of each says where it comes from.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.talk.figures import Usage
from app.upstream.stream import StreamedError, StreamReader
from engine.reasoning_tags import KIMI_VL, Marks, Piece, Start, join

WIRE = Path(__file__).parents[3] / "recorded" / "wire"
SAID = ("So it is.", "A sign: 店")
COUNT = "1 2 3 4 5"

# Name: its text, how it ends, its usage, whether the engine itself separates reasoning and answer.
STREAMS: dict[str, tuple[tuple[str, str], str, Usage, bool]] = {
    "llama_server_reasoning": (SAID, "stop", Usage(56, 23, None, 0), True),
    "llama_server_marks": (SAID, "stop", Usage(150, 44, None, 0), False),
    "llama_server_instant": (("", "A sign."), "stop", Usage(175, 8, None, 161), False),
    "sglang_reasoning": (SAID, "stop", Usage(23, 15, 7), True),
    "sglang_instant": (("", SAID[1]), "length", Usage(27, 4), False),
    "vllm_reasoning": (("I count from 1 to 5: 1 2 3 4 5", COUNT), "stop", Usage(23, 41, 35, 0), True),
    "vllm_length": (("", "◁t"), "length", Usage(23, 4, 0, 0), False),
    "vllm_instant": (("", COUNT), "stop", Usage(48, 6, 0, 0), False),
}


def recorded(name: str) -> bytes:
    return (WIRE / f"{name}.sse").read_bytes()


def start(name: str) -> Start:
    return Start.IN_ANSWER if name.endswith("_instant") else Start.FRESH


def read(stream: bytes, cuts: list[int], marks: Marks | None, begin: Start) -> tuple[StreamReader, list[Piece]]:
    reader, pieces = StreamReader(marks, begin), []
    for first, last in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        pieces += reader.feed(stream[first:last])
    return reader, [*pieces, *reader.finish()]


def test_every_recorded_stream_is_replayed_and_says_where_it_is_from() -> None:
    names = {path.stem for path in WIRE.glob("*.sse")}
    assert names == {*STREAMS, "sglang_error"}
    for name in names:
        assert recorded(name).startswith((b": llama.cpp b10434", b": SGLang 0.5.23", b": vLLM 0.32.0"))


@pytest.mark.parametrize("name", STREAMS)
@given(data=st.data())
def test_a_stream_says_the_same_however_it_is_cut(name: str, data: st.DataObject) -> None:
    stream = recorded(name)
    said, ending, usage, splits = STREAMS[name]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    reader, pieces = read(stream, cuts, KIMI_VL, start(name))
    assert join(pieces) == said
    assert (reader.finish_reason, reader.usage, reader.done) == (ending, usage, True)
    assert reader.engine_splits is splits


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_may_come_byte_by_byte(name: str) -> None:
    stream = recorded(name)
    _, pieces = read(stream, list(range(1, len(stream))), KIMI_VL, start(name))
    assert join(pieces) == STREAMS[name][0]


def test_an_error_in_the_middle_of_an_answer_is_reported_and_the_text_is_kept() -> None:
    stream = recorded("sglang_error")
    cut = stream.index(b'data: {"error"')
    reader = StreamReader(KIMI_VL)
    assert join(reader.feed(stream[:cut])) == ("So it is", "")
    with pytest.raises(StreamedError, match="out of memory"):
        reader.feed(stream[cut:])
