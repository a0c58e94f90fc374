"""Gathers pieces of text into frames, so that the browser draws 30 times a second and not once a token.

A browser parses anew at every frame the part of the message that still grows: a few paragraphs, or all of it where it
can't be cut, as in a long list or program (`public/markdown.js` keeps the finished parts). That is why frames come more
slowly as the text grows; the first piece of each kind is shown at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from engine.reasoning_tags import Kind, Piece

FRAME_SECONDS = 1 / 30
_FRAMES_A_SECOND = 256
"""Of all answers together: where many are written at once, each comes in fewer frames, and the process keeps up."""
_CROWDED_SECONDS = 0.1
_SLOWEST_SECONDS = 0.4
_CHARACTERS_A_SECOND_MORE = 90_000
"""So many characters on the page make a frame one second longer."""


def frame_seconds(characters: int, answers: int = 1) -> float:
    """How long to gather before the next frame: so many characters are in the message, so many answers are written."""
    shortest = min(max(FRAME_SECONDS, answers / _FRAMES_A_SECOND), _CROWDED_SECONDS)
    return min(shortest + characters / _CHARACTERS_A_SECOND_MORE, _SLOWEST_SECONDS)


class Frames:
    """Pieces go in one by one; `show` gets them joined, in order, each kind apart."""

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
        """Takes pieces; returns at once."""
        if not pieces:
            return
        if pieces[-1].kind is not self._last:
            # A new kind of text begins: what was gathered is shown now, and the new kind's first piece with it.
            self._last = pieces[-1].kind
            self._hurry.set()
        self._waiting += pieces
        self._arrived.set()

    @property
    def seconds(self) -> float:
        """How long the next frame is gathered for: nobody sees sooner what comes sooner."""
        return frame_seconds(self._shown, Frames._running)

    def end(self) -> None:
        """No more will come: what waits is shown at once, and `run` returns."""
        self._ended = True
        self._arrived.set()
        self._hurry.set()

    async def run(self) -> None:
        """Shows frames until the end; the one place from which `show` is called."""
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
        # For each frame of each answer: a timeout around the waiting would take three times as long.
        alarm = asyncio.get_running_loop().call_later(self.seconds, self._hurry.set)
        try:
            await self._hurry.wait()
        finally:
            alarm.cancel()


def join_neighbours(pieces: list[Piece]) -> list[Piece]:
    """Pieces of one kind that stand side by side, made one."""
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
