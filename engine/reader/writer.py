"""Cuts what is written at a stop text and at the limit of tokens. A token is one character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Kind = Literal["reasoning", "content"]


class Piece(NamedTuple):
    """Something that the reader says."""

    kind: Kind
    text: str


class Writer:
    """Takes pieces as they are made and gives out what may be sent.

    Stop texts are looked for in the answer only: in the notes on the reading they would end an answer before it began.
    """

    def __init__(self, stops: Sequence[str] = (), limit: int | None = None) -> None:
        self.finish_reason: Literal["stop", "length"] | None = None
        self.counts: dict[Kind, int] = {"reasoning": 0, "content": 0}
        self._stops = tuple(stops)
        self._left = limit
        self._held = ""

    def add(self, piece: Piece) -> list[Piece]:
        """Takes a piece; returns what can be sent. With `finish_reason` set, nothing more will."""
        if self.finish_reason:
            return []
        if piece.kind == "reasoning" or not self._stops:
            return self._send(piece.kind, piece.text)
        text = self._held + piece.text
        at = min((place for stop in self._stops if (place := text.find(stop)) >= 0), default=-1)
        if at >= 0:
            sent = self._send("content", text[:at])
            self._held, self.finish_reason = "", self.finish_reason or "stop"
            return sent
        keep = self._begun(text)
        self._held = text[len(text) - keep :]
        return self._send("content", text[: len(text) - keep])

    def finish(self) -> list[Piece]:
        """Ends the answer; returns what was held back as the beginning of a stop text."""
        sent = [] if self.finish_reason else self._send("content", self._held)
        self.finish_reason = self.finish_reason or "stop"
        return sent

    def _begun(self, text: str) -> int:
        """How many characters at the end of `text` could be the beginning of a stop text."""
        longest = max(len(stop) for stop in self._stops) - 1
        for length in range(min(longest, len(text)), 0, -1):
            if any(stop.startswith(text[-length:]) for stop in self._stops):
                return length
        return 0

    def _send(self, kind: Kind, text: str) -> list[Piece]:
        if self._left is not None:
            if len(text) > self._left:
                text, self.finish_reason = text[: self._left], "length"
            self._left -= len(text)
        self.counts[kind] += len(text)
        return [Piece(kind, text)] if text else []
