"""Batches pieces of text into frames, so that the browser renders 30 times a second and not once per token.

At every frame, a browser parses the part of the message that still grows: a few paragraphs, or all of it if it can't
be split, such as a long list or program (`public/markdown.js` keeps the finished parts). So frames become slower as the
text grows; the first piece of each kind is shown at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from engine.reasoning_tags import Kind, Piece

FRAME_SECONDS = 1 / 30
_FRAMES_A_SECOND = 256
"""The limit for all answers together: with many at once, each gets fewer frames, so the process keeps up."""
_CROWDED_SECONDS = 0.1
_SLOWEST_SECONDS = 0.4
_CHARACTERS_A_SECOND_MORE = 90_000
"""Each this many characters of a message make its frames one second longer."""


def frame_seconds(characters: int, answers: int = 1) -> float:
    """The time to the next frame, for a message of `characters` while `answers` are streaming."""
    shortest = min(max(FRAME_SECONDS, answers / _FRAMES_A_SECOND), _CROWDED_SECONDS)
    return min(shortest + characters / _CHARACTERS_A_SECOND_MORE, _SLOWEST_SECONDS)


class Frames:
    """Joins pieces into frames for `show`, in order, each kind separately."""

    _running: ClassVar[int] = 0

    def __init__(self, show: Callable[[Piece], Awaitable[None]]) -> None:
        self._show = show
        self._waiting: list[Piece] = []
        self._shown = 0
        self._shown_kind: Kind | None = None
        self._last: Kind | None = None
        self._arrived = asyncio.Event()
        self._ended = False
        self._hurry = asyncio.Event()

    def add(self, pieces: list[Piece]) -> None:
        """Adds pieces; returns at once."""
        if not pieces:
            return
        if pieces[-1].kind is not self._last:
            # A new kind of text begins: show what is pending now, including the new kind's first piece.
            self._last = pieces[-1].kind
            self._hurry.set()
        self._waiting += pieces
        self._arrived.set()

    @property
    def seconds(self) -> float:
        """How long the next frame takes; pieces that arrive sooner are not shown sooner."""
        return frame_seconds(self._shown, Frames._running)

    def end(self) -> None:
        """Ends the stream: shows what is pending at once, and lets `run` return."""
        self._ended = True
        self._arrived.set()
        self._hurry.set()

    async def run(self) -> None:
        """Shows frames until the end; only this calls `show`."""
        Frames._running += 1
        try:
            await self._show_all()
        finally:
            Frames._running -= 1

    async def _show_all(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            self._hurry.clear()
            await self._show_waiting()
            if self._ended and not self._waiting:
                return
            await self._pause()

    async def _show_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for piece in join_neighbours(waiting):
            if piece.kind is not self._shown_kind:
                self._shown_kind, self._shown = piece.kind, 0
            self._shown += len(piece.text)
            await self._show(piece)

    async def _pause(self) -> None:
        # This runs for each frame of each answer, and asyncio.timeout would take three times as long.
        alarm = asyncio.get_running_loop().call_later(self.seconds, self._hurry.set)
        try:
            await self._hurry.wait()
        finally:
            alarm.cancel()


def join_neighbours(pieces: list[Piece]) -> list[Piece]:
    """Joins adjacent pieces of the same kind."""
    joined: list[Piece] = []
    texts: list[str] = []
    for piece in pieces:
        if joined and joined[-1].kind is piece.kind:
            texts.append(piece.text)
        else:
            _close(joined, texts)
            joined.append(piece)
            texts = [piece.text]
    _close(joined, texts)
    return joined


def _close(joined: list[Piece], texts: list[str]) -> None:
    if joined:
        joined[-1] = Piece(joined[-1].kind, "".join(texts))
