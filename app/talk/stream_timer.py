"""Measures the times of one stream, and counts its pieces, with one call per batch."""

from __future__ import annotations

import time

from engine.reasoning_tags import Kind, Piece


class Clock:
    """The times of one stream. Times are from `time.monotonic`, in seconds, unless stated otherwise."""

    def __init__(self) -> None:
        self.asked = time.monotonic()
        self.first: float | None = None
        self.last = self.asked
        self.first_reasoning: float | None = None
        self.first_answer: float | None = None
        self.pieces = 0
        """The number of pieces received; with most engines a piece is a token."""
        self._epoch = time.time_ns() - int(self.asked * 1e9)

    def saw(self, first: Piece, last: Piece, count: int) -> None:
        """Records that `count` pieces have arrived, from `first` to `last`."""
        now = self.last = time.monotonic()
        self.pieces += count
        if self.first is None:
            self.first = now
        for piece in (first, last):
            if piece.kind is Kind.REASONING:
                self.first_reasoning = self.first_reasoning or now
            elif piece.kind is Kind.ANSWER:
                self.first_answer = self.first_answer or now

    @property
    def first_token(self) -> float | None:
        """Seconds from the question to the first token."""
        return None if self.first is None else self.first - self.asked

    @property
    def writing(self) -> float:
        """Seconds from the first token to the last."""
        return 0.0 if self.first is None else self.last - self.first

    @property
    def thinking(self) -> float | None:
        """Seconds of reasoning."""
        if self.first_reasoning is None:
            return None
        return (self.first_answer or self.last) - self.first_reasoning

    def unix_ns(self, moment: float) -> int:
        """A moment of this clock in nanoseconds since 1970, the format of spans."""
        return self._epoch + int(moment * 1e9)
