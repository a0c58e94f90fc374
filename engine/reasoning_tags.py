"""Tells a model's reasoning from its answer where the model marks it in plain text: `◁think▷ … ◁/think▷ …`.

Kimi-VL's marks are ordinary text, so they arrive cut at any place. The splitter holds back no more than a possible
beginning of a mark, and however the text is cut, the pair it adds up to is the same. It is pure; the page uses it on
engines that leave the marks in, and vLLM's parser plugin is built on it.

What counts:
- The opening mark counts at the very beginning only (white space may stand before it).
- The first closing mark ends the reasoning; never closed means that everything after the opening mark is reasoning.
- Once an answer follows a closing mark, later marks are text: an answer may speak about them.
- A closing mark without an opening one, outside code, makes all before it reasoning. A stream has sent that text as
  answer by then, hence the `RETRACT` piece: what was said to be answer so far was reasoning.
- Line ends directly after a mark belong to the mark and are dropped.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple


class Marks(NamedTuple):
    """The pair of strings that a model writes around its reasoning."""

    open: str
    close: str


KIMI_VL = Marks("◁think▷", "◁/think▷")


class Kind(StrEnum):
    """What a piece of text is; `RETRACT` carries no text and turns the answer so far into reasoning."""

    REASONING = "reasoning"
    ANSWER = "answer"
    RETRACT = "retract"


class Start(StrEnum):
    """Where a text begins: anew, or as the continuation of a message whose think block is open or closed."""

    FRESH = "fresh"
    IN_REASONING = "in reasoning"
    IN_ANSWER = "in answer"


class Piece(NamedTuple):
    """A stretch of a model's text, without marks."""

    kind: Kind
    text: str


class _State(StrEnum):
    BEGINNING = "beginning"  # nothing but white space so far
    REASONING = "reasoning"
    UNMARKED = "unmarked"  # an answer that no mark preceded: a lone closing mark would make it reasoning
    ANSWER = "answer"


_FIRST_STATE = {
    Start.FRESH: _State.BEGINNING,
    Start.IN_REASONING: _State.REASONING,
    Start.IN_ANSWER: _State.ANSWER,
}


class Splitter:
    """Splits one streamed message; feed it the deltas, then finish it."""

    def __init__(self, marks: Marks = KIMI_VL, start: Start = Start.FRESH) -> None:
        self._marks = marks
        self._state = _FIRST_STATE[start]
        self._held = ""
        self._after_mark = False
        self._in_code = False

    @property
    def in_reasoning(self) -> bool:
        """Whether the text read so far ends inside the think block."""
        return self._state is _State.REASONING

    @property
    def after_reasoning(self) -> bool:
        """Whether a closing mark has been read."""
        return self._state is _State.ANSWER

    def feed(self, text: str) -> list[Piece]:
        """Take the next delta; return what is now certain, in order."""
        self._held += text
        return self._advance(final=False)

    def finish(self) -> list[Piece]:
        """End the message: what was held back as a possible mark is text."""
        return self._advance(final=True)

    def _advance(self, *, final: bool) -> list[Piece]:
        pieces: list[Piece] = []
        state = None
        while self._held and state is not self._state:
            state = self._state
            match state:
                case _State.BEGINNING:
                    self._begin(final=final)
                case _State.REASONING:
                    self._reason(pieces, final=final)
                case _State.UNMARKED:
                    self._answer_unmarked(pieces, final=final)
                case _State.ANSWER:
                    self._put(pieces, Kind.ANSWER, len(self._held))
        return pieces

    def _begin(self, *, final: bool) -> None:
        text = self._held.lstrip()
        for mark, state in ((self._marks.open, _State.REASONING), (self._marks.close, _State.ANSWER)):
            if text.startswith(mark):
                self._held = text[len(mark) :]
                self._enter(state)
                return
        if final or not any(mark.startswith(text) for mark in self._marks):
            self._state = _State.UNMARKED

    def _reason(self, pieces: list[Piece], *, final: bool) -> None:
        close = self._marks.close
        before, mark, after = self._held.partition(close)
        if mark:
            self._put(pieces, Kind.REASONING, len(before))
            self._held = after
            self._enter(_State.ANSWER)
        else:
            self._put(pieces, Kind.REASONING, self._certain(final=final))

    def _answer_unmarked(self, pieces: list[Piece], *, final: bool) -> None:
        close = self._marks.close
        while (at := self._held.find(close)) >= 0:
            self._put_unmarked(pieces, at)
            if self._in_code:
                self._put_unmarked(pieces, len(close))
                continue
            pieces.append(Piece(Kind.RETRACT, ""))
            self._held = self._held[len(close) :]
            self._enter(_State.ANSWER)
            return
        self._put_unmarked(pieces, self._certain(final=final))

    def _put_unmarked(self, pieces: list[Piece], length: int) -> None:
        # Backticks come in pairs around code, one or three on a side: after an odd number the text is inside.
        self._in_code ^= self._held.count("`", 0, length) % 2 == 1
        self._put(pieces, Kind.ANSWER, length)

    def _enter(self, state: _State) -> None:
        self._state = state
        self._after_mark = True

    def _put(self, pieces: list[Piece], kind: Kind, length: int) -> None:
        text, self._held = self._held[:length], self._held[length:]
        if self._after_mark:
            text = text.lstrip("\r\n")
            self._after_mark = not text
        if text:
            pieces.append(Piece(kind, text))

    def _certain(self, *, final: bool) -> int:
        """How much of the held text cannot be the beginning of a closing mark."""
        close, held = self._marks.close, self._held
        if final:
            return len(held)
        tails = range(min(len(close) - 1, len(held)), 0, -1)
        return len(held) - next((n for n in tails if close.startswith(held[-n:])), 0)


def join(pieces: Iterable[Piece]) -> tuple[str, str]:
    """Add pieces up to the pair (reasoning, answer)."""
    reasoning, answer = "", ""
    for kind, text in pieces:
        match kind:
            case Kind.REASONING:
                reasoning += text
            case Kind.ANSWER:
                answer += text
            case Kind.RETRACT:
                reasoning, answer = reasoning + answer, ""
    return reasoning, answer


def split(text: str, marks: Marks = KIMI_VL, start: Start = Start.FRESH) -> tuple[str, str]:
    """Split a whole message into (reasoning, answer)."""
    splitter = Splitter(marks, start)
    return join([*splitter.feed(text), *splitter.finish()])
