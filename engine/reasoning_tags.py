"""Separates a model's reasoning from its answer by reasoning tags in plain text: `◁think▷ … ◁/think▷ …`.

Kimi-VL's tags are ordinary text, so a stream may cut them anywhere. The splitter holds back only a possible beginning
of a tag, and the result does not depend on where the text was cut. It is pure. The web process uses it for engines that
leave the tags in, and vLLM's parser plugin is built on it.

The rules:
- The opening tag counts only at the very beginning, after optional white space.
- The first closing tag ends the reasoning; without one, everything after the opening tag is reasoning.
- Once an answer follows a closing tag, later tags are text: an answer may mention them.
- A closing tag without an opening one, outside code, turns everything before it into reasoning. A stream has already
  sent that text as the answer, hence the `RETRACT` piece: the answer so far was reasoning.
- Line ends directly after a tag belong to the tag and are dropped.
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
    """What a piece of text is; `RETRACT` carries no text and turns the answer so far into reasoning.

    `CALL` carries none either: a part of a tool call has arrived.
    """

    REASONING = "reasoning"
    ANSWER = "answer"
    RETRACT = "retract"
    CALL = "call"


class Start(StrEnum):
    """Where a text begins: in a new message, or in one whose think block is open or closed."""

    FRESH = "fresh"
    IN_REASONING = "in reasoning"
    IN_ANSWER = "in answer"


class Piece(NamedTuple):
    """A piece of a model's text, without tags."""

    kind: Kind
    text: str


class _State(StrEnum):
    BEGINNING = "beginning"  # only white space so far
    REASONING = "reasoning"
    UNMARKED = "unmarked"  # an answer without a tag before it: a lone closing tag would turn it into reasoning
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
        """Whether a closing tag has been read."""
        return self._state is _State.ANSWER

    def feed(self, text: str) -> list[Piece]:
        """Takes the next delta; returns the pieces that are now certain, in order."""
        self._held += text
        return self._advance(final=False)

    def finish(self) -> list[Piece]:
        """Ends the message: text that was held back as a possible tag is text."""
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
        # One or three backticks on each side enclose code: after an odd number the text is inside.
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
        """How much of the held text can't be the beginning of a closing tag."""
        close, held = self._marks.close, self._held
        if final:
            return len(held)
        tails = range(min(len(close) - 1, len(held)), 0, -1)
        return len(held) - next((n for n in tails if close.startswith(held[-n:])), 0)


def join(pieces: Iterable[Piece]) -> tuple[str, str]:
    """Joins pieces into the pair (reasoning, answer)."""
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
    """Splits a whole message into (reasoning, answer)."""
    splitter = Splitter(marks, start)
    return join([*splitter.feed(text), *splitter.finish()])
