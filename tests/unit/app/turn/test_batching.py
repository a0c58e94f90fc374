"""Pieces are joined into frames; nothing is lost, late, or out of order."""

import asyncio

import pytest

from app.turn.batching import FRAME_SECONDS, Frames, frame_seconds, join_neighbours
from engine.reasoning_tags import Kind, Piece


def words(kind: Kind, *texts: str) -> list[Piece]:
    return [Piece(kind, text) for text in texts]


class Screen:
    def __init__(self) -> None:
        self.frames: list[Piece] = []
        self.drawn = asyncio.Event()

    async def show(self, piece: Piece) -> None:
        self.frames.append(piece)
        self.drawn.set()


async def test_the_first_piece_is_shown_at_once_and_the_rest_gathered() -> None:
    screen = Screen()
    frames = Frames(screen.show)
    running = asyncio.create_task(frames.run())
    frames.add(words(Kind.REASONING, "a"))
    await asyncio.wait_for(screen.drawn.wait(), 5)
    for letter in "bcdef":
        frames.add(words(Kind.REASONING, letter))
        await asyncio.sleep(0)
    assert screen.frames == [Piece(Kind.REASONING, "a")]
    frames.end()
    await asyncio.wait_for(running, 5)
    assert screen.frames == [Piece(Kind.REASONING, "a"), Piece(Kind.REASONING, "bcdef")]


async def test_the_answer_does_not_wait_for_the_frame_of_the_reasoning() -> None:
    screen = Screen()
    frames = Frames(screen.show)
    # So much text would make a frame last 0.4 s.
    frames.add(words(Kind.REASONING, "x" * 100_000))
    running = asyncio.create_task(frames.run())
    await asyncio.wait_for(screen.drawn.wait(), 5)
    screen.drawn.clear()
    began = asyncio.get_running_loop().time()
    frames.add(words(Kind.ANSWER, "yes"))
    await asyncio.wait_for(screen.drawn.wait(), 5)
    assert asyncio.get_running_loop().time() - began < 0.3
    frames.end()
    await asyncio.wait_for(running, 5)
    assert [piece.kind for piece in screen.frames] == [Kind.REASONING, Kind.ANSWER]


async def test_a_screen_that_fails_fails_the_run() -> None:
    async def broken(piece: Piece) -> None:
        raise RuntimeError("no screen")

    frames = Frames(broken)
    frames.add(words(Kind.ANSWER, "x"))
    with pytest.raises(RuntimeError):
        await frames.run()


def test_frames_come_more_slowly_as_the_text_grows_up_to_a_limit() -> None:
    assert frame_seconds(0) == FRAME_SECONDS
    assert FRAME_SECONDS < frame_seconds(6000) < frame_seconds(18_000) <= 0.4 == frame_seconds(10**7)


def test_frames_come_more_slowly_where_many_answers_are_written() -> None:
    assert frame_seconds(0, 8) == FRAME_SECONDS
    assert FRAME_SECONDS < frame_seconds(0, 16) < frame_seconds(0, 26) == frame_seconds(0, 1000) == 0.1


async def test_answers_are_counted_while_they_are_written() -> None:
    first, second = (Frames(Screen().show) for _ in range(2))
    writing = [asyncio.create_task(frames.run()) for frames in (first, second)]
    await asyncio.sleep(0)
    assert Frames._running == 2
    for frames in (first, second):
        frames.end()
    await asyncio.gather(*writing)
    assert Frames._running == 0


def test_neighbours_of_one_kind_are_joined() -> None:
    pieces = [
        *words(Kind.REASONING, "a", "b"),
        *words(Kind.ANSWER, "c"),
        Piece(Kind.RETRACT, ""),
        *words(Kind.ANSWER, "d"),
    ]
    assert join_neighbours(pieces) == [
        (Kind.REASONING, "ab"), (Kind.ANSWER, "c"), (Kind.RETRACT, ""), (Kind.ANSWER, "d")
    ]  # fmt: skip
    assert join_neighbours([]) == []
