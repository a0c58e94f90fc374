"""A conversation as plain data, and as the messages of a request. Knows nothing of Chainlit or of the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.neutral import neutralise

Message = dict[str, Any]
"""A message of the OpenAI chat API."""

Ending = Literal["stop", "length", "stopped", "error"]
"""Why an answer ended: by itself, at the token limit, by its reader, by a fault."""


@dataclass(frozen=True)
class Picture:
    """A picture in the workspace, ready for an engine. `path` is absolute; sizes are in pixels."""

    path: str
    name: str
    width: int
    height: int


@dataclass
class Answer:
    """What an engine said to one question; an engine that was stopped half-way said less."""

    reasoning: str = ""
    text: str = ""
    ending: Ending | None = None
    seconds_thinking: float | None = None
    engine_splits: bool = False
    """Whether the engine told the reasoning from the answer by itself, without marks in the text."""
    line: str = ""
    """The quiet line below the answer."""

    @property
    def in_reasoning(self) -> bool:
        """Whether it ended before the reasoning did."""
        return bool(self.reasoning) and not self.text

    @property
    def empty(self) -> bool:
        """Whether nothing of it was ever shown."""
        return not (self.reasoning or self.text)


@dataclass
class Turn:
    """A question, its pictures, and the answers given to it; `chosen` is the one that counts."""

    id: str
    text: str
    pictures: list[Picture] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    chosen: int = -1

    @property
    def answer(self) -> Answer | None:
        """The answer that counts, if there is one."""
        return self.answers[self.chosen] if self.answers else None


@dataclass
class Conversation:
    """The turns of one thread, oldest first."""

    turns: list[Turn] = field(default_factory=list)

    def ask(self, turn: Turn) -> list[Turn]:
        """Puts a question at the end. A question of the same id was edited: it and all after it make way.

        Returns:
            The turns that made way.
        """
        at = self.index(turn.id)
        removed = self.turns[at:] if at is not None else []
        del self.turns[len(self.turns) - len(removed) :]
        self.turns.append(turn)
        return removed

    def index(self, turn_id: str) -> int | None:
        """Where the turn stands, or None."""
        return next((n for n, turn in enumerate(self.turns) if turn.id == turn_id), None)

    def until(self, turn_id: str) -> list[Turn]:
        """The turns up to and with this one.

        Raises:
            KeyError: there is none of this id.
        """
        at = self.index(turn_id)
        if at is None:
            raise KeyError(turn_id)
        return self.turns[: at + 1]


PictureUrl = Callable[[Picture], str]


def to_messages(turns: Sequence[Turn], system: str, url: PictureUrl) -> list[Message]:
    """The request's messages: the system prompt, then each turn, of the last one the question only.

    Old reasoning is not sent back: the models are trained without it.
    """
    messages: list[Message] = []
    if system.strip():
        messages.append({"role": "system", "content": neutralise(system)})
    for turn in turns:
        messages.append(_question(turn, url))
        if turn is not turns[-1] and (answer := turn.answer) and answer.text:
            messages.append({"role": "assistant", "content": neutralise(answer.text)})
    return messages


def to_prefix(answer: Answer, marks: tuple[str, str] | None) -> Message:
    """The beginning of an answer as the message that the engine is to go on with.

    `marks` are the strings that the model writes around its reasoning; without them reasoning cannot be gone on with.
    """
    text = neutralise(answer.text)
    if marks and answer.reasoning:
        opening, closing = marks
        reasoning = neutralise(answer.reasoning)
        text = f"{opening}{reasoning}" if answer.in_reasoning else f"{opening}{reasoning}{closing}{text}"
    return {"role": "assistant", "content": text}


def _question(turn: Turn, url: PictureUrl) -> Message:
    text = neutralise(turn.text)
    if not turn.pictures:
        return {"role": "user", "content": text}
    parts: list[Message] = [{"type": "image_url", "image_url": {"url": url(picture)}} for picture in turn.pictures]
    if text.strip():
        parts.append({"type": "text", "text": text})
    return {"role": "user", "content": parts}
