"""A conversation as plain data, and as the messages of a request. Knows nothing of Chainlit or of the network.

Turns and answers are the same classes in memory, in the database and in a file; their limits are for imported files.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from app.talk.control_tokens import neutralise
from app.talk.figures import Figures, Seconds
from app.talk.parts import Part, Reasoning, Step, Stretch, Text
from app.talk.places import MOST_PLACES, PicturePlaces
from app.talk.step_messages import numbered, step_messages
from engine.formats.moments import caption
from engine.reasoning_tags import Kind, Piece

Message = dict[str, Any]
"""A message of the OpenAI chat API."""

Ending = Literal["stop", "length", "stopped", "error"]
"""Why an answer ended: by itself, at the token limit, stopped by the user, by a fault."""

LAST_SECOND = 253402300799.0
"""The end of the year 9999, the last time that `datetime` can represent."""
Id = Annotated[str, Field(max_length=100)]
_TICK = 0.001
"""The least time between two versions of a question, in seconds."""


def new_id() -> str:
    """An id for a thread, a turn, an answer or an element."""
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Picture:
    """A picture in the workspace, ready for an engine. `path` is absolute; sizes are in pixels."""

    path: str
    name: str
    width: int
    height: int


@dataclass
class Answer:
    """An engine's answer to one question; partial while it is in progress or if it was stopped."""

    parts: list[Part] = field(default_factory=list)
    """Two consecutive parts are never of the same kind."""
    ending: Ending | None = None
    """None while it is in progress; it stays None if the process that receives it is killed."""
    seconds_thinking: Seconds | None = None
    engine_splits: bool = False
    """Whether the engine separated reasoning from answer itself, without tags in the text."""
    figures: Figures | None = None
    """The figures of the request that completed it."""
    line: Annotated[str, Field(max_length=1000)] = ""
    """The line below an answer saved by an earlier version, which stored that instead of figures."""
    feedback: Literal[0, 1] | None = None
    """The user's feedback: 1 helpful, 0 not."""
    comment: Annotated[str, Field(max_length=10_000)] = ""
    """The user's comment on the feedback."""
    id: str = field(default_factory=new_id, compare=False)
    instant: bool = False
    """Whether it was requested without thinking; continuing it keeps that mode, whatever the switch says by then."""
    thinking_cut: bool = False
    """Whether the user ended the reasoning (Answer now), so that the answer comes next."""
    places: Annotated[list[PicturePlaces], Field(max_length=MOST_PLACES)] = field(default_factory=list)
    """The lines that the engine read, if it reports where they are."""

    @property
    def reasoning(self) -> str:
        """The whole reasoning."""
        return "".join(part.text for part in self.parts if isinstance(part, Reasoning))

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def steps(self) -> list[Step]:
        """The tool calls and their results."""
        return [part for part in self.parts if isinstance(part, Step)]

    @property
    def latest(self) -> list[Stretch]:
        """What the model has written since the last result of a tool, which is what it can go on with."""
        tail: list[Stretch] = []
        for part in reversed(self.parts):
            if isinstance(part, Step):
                break
            tail.insert(0, part)
        return tail

    @property
    def in_reasoning(self) -> bool:
        """Whether it ended before the reasoning did."""
        latest = self.latest
        reasons = any(part.text for part in latest if isinstance(part, Reasoning))
        return reasons and not any(part.text for part in latest if isinstance(part, Text)) and not self.thinking_cut

    @property
    def empty(self) -> bool:
        """Whether nothing of it was ever shown."""
        return not any(part.text for part in self.parts)

    def add(self, piece: Piece) -> Piece:
        """Appends a piece; `Kind.RETRACT` means that the last text was in fact reasoning.

        Returns:
            What was added: text after the result of a tool begins a new paragraph.
        """
        match piece.kind:
            case Kind.REASONING:
                return Piece(piece.kind, self._grow(Reasoning, piece.text))
            case Kind.ANSWER:
                return Piece(piece.kind, self._grow(Text, piece.text))
            case Kind.RETRACT if self.parts and isinstance(last := self.parts[-1], Text):
                self.parts.pop()
                self._grow(Reasoning, last.text)
        return piece

    def _grow(self, kind: type[Stretch], words: str) -> str:
        last = self.parts[-1] if self.parts else None
        if isinstance(last, kind):
            last.text += words
            return words
        if isinstance(last, Step) and any(isinstance(part, kind) and part.text for part in self.parts):
            words = "\n\n" + words.lstrip("\n")
        self.parts.append(kind(words))
        return words


@dataclass
class Turn:
    """A question, its pictures and its answers; `chosen` is the index of the current answer."""

    id: Annotated[Id, Field(min_length=1)]
    text: str
    pictures: list[Picture] = field(default_factory=list)
    answers: Annotated[list[Answer], Field(max_length=1000)] = field(default_factory=list)
    chosen: int = -1
    page_id: Id = ""
    """The question's id on the page, which an edited question keeps; `id` if not given."""
    parent: Id = ""
    """The previous turn in its branch; empty for a first one."""
    asked: Annotated[float, Field(ge=0, le=LAST_SECOND, allow_inf_nan=False)] = field(
        default_factory=time.time, compare=False
    )
    """Unix time in seconds."""

    def __post_init__(self) -> None:
        self.page_id = self.page_id or self.id

    @property
    def answer(self) -> Answer | None:
        """The chosen answer, if there is one."""
        return self.answers[self.chosen] if self.answers else None

    def choose(self, answer_id: str) -> None:
        """Chooses the answer with this id, or the last one if there is none."""
        last = len(self.answers) - 1
        self.chosen = next((n for n, answer in enumerate(self.answers) if answer.id == answer_id), last)


@dataclass
class Conversation:
    """The turns of a thread's current branch, oldest first, and those of its other branches.

    An edited question begins a new branch; the turns of the old one go `aside`.
    """

    turns: list[Turn] = field(default_factory=list)
    aside: list[Turn] = field(default_factory=list)

    def ask(self, turn: Turn) -> list[Turn]:
        """Appends a question. If one has the same `page_id`, that one was edited: it and all after it go aside.

        Returns:
            The turns that went aside.
        """
        at = next((n for n, other in enumerate(self.turns) if other.page_id == turn.page_id), len(self.turns))
        removed = self.turns[at:]
        self.aside += removed
        turn.parent = self.turns[at - 1].id if at else ""
        # A clock that was set back must not make this an earlier version.
        turn.asked = max([turn.asked, *(other.asked + _TICK for other in self.versions(turn))])
        self.turns[at:] = [turn]
        return removed

    def versions(self, turn: Turn) -> list[Turn]:
        """This turn and its alternatives in other branches, oldest first."""
        return sorted((other for other in self._all() if other.parent == turn.parent), key=lambda other: other.asked)

    def place(self, turn: Turn) -> tuple[int, int]:
        """The position of this turn among its versions, from 1, and their number."""
        versions = self.versions(turn)
        return next(n for n, version in enumerate(versions, 1) if version is turn), len(versions)

    def places(self, turns: Sequence[Turn]) -> dict[str, tuple[int, int]]:
        """The `place` of each of these turns, by id, in one pass, since the conversation may be long."""
        versions: defaultdict[str, list[Turn]] = defaultdict(list)
        parents = {turn.parent for turn in turns}
        for other in self._all():
            if other.parent in parents:
                versions[other.parent].append(other)
        found: dict[str, tuple[int, int]] = {}
        for same in versions.values():
            same.sort(key=lambda turn: turn.asked)
            found.update({turn.id: (n, len(same)) for n, turn in enumerate(same, 1)})
        return {turn.id: found[turn.id] for turn in turns}

    def switch(self, turn_id: str) -> None:
        """Shows the branch of this turn, down to the latest question below it.

        Raises:
            KeyError: there is no such turn.
        """
        everything = {turn.id: turn for turn in self._all()}
        # The latest child of each turn, found in one pass: searching for it each time takes half a minute with 10,000
        # questions.
        latest: dict[str, Turn] = {}
        for turn in everything.values():
            if turn.parent not in latest or latest[turn.parent].asked < turn.asked:
                latest[turn.parent] = turn
        branch = [everything[turn_id]]
        while before := everything.get(branch[-1].parent):
            branch.append(before)
        branch.reverse()
        while below := latest.get(branch[-1].id):
            branch.append(below)
        shown = {turn.id for turn in branch}
        self.turns, self.aside = branch, [turn for turn in everything.values() if turn.id not in shown]

    def grow(self, ids: set[str]) -> list[Turn]:
        """Appends the turns aside with these ids that follow the last turn of the branch; returns them."""
        added: list[Turn] = []
        while below := [
            turn for turn in self.aside if turn.id in ids and self.turns and turn.parent == self.turns[-1].id
        ]:
            added.append(max(below, key=lambda turn: turn.asked))
            self.aside.remove(added[-1])
            self.turns.append(added[-1])
        return added

    def index(self, turn_id: str) -> int | None:
        """The turn's index in the current branch, or None."""
        return next((n for n, turn in enumerate(self.turns) if turn.id == turn_id), None)

    def until(self, turn_id: str) -> list[Turn]:
        """The turns up to and including this one.

        Raises:
            KeyError: there is no such turn.
        """
        at = self.index(turn_id)
        if at is None:
            raise KeyError(turn_id)
        return self.turns[: at + 1]

    def pictures_until(self, turn: Turn) -> list[list[Picture]]:
        """The pictures of each question with any, up to and including this turn."""
        at = self.index(turn.id)
        return [asked.pictures for asked in self.turns[: (at or 0) + 1] if asked.pictures]

    def _all(self) -> list[Turn]:
        return [*self.turns, *self.aside]


PictureUrl = Callable[[Picture], str]


def to_messages(
    turns: Sequence[Turn],
    system: str,
    url: PictureUrl,
    *,
    named: bool = True,
    numbers: Mapping[Picture, int] | None = None,
) -> list[Message]:
    """The request's messages: the system prompt, then each turn; of the last one, only the question.

    Earlier reasoning is not sent: the models are trained without it. `named`: whether the names of several pictures
    are sent with their question. `numbers` are those of the pictures in the chat, where there are tools, which know
    them by these; then earlier calls are sent, too.
    """
    messages: list[Message] = []
    if system.strip():
        messages.append({"role": "system", "content": neutralise(system)})
    for turn in turns:
        messages.append(_question(turn, url, named, numbers))
        if turn is turns[-1] or not (answer := turn.answer):
            continue
        if numbers is not None and answer.steps:
            messages += step_messages(answer.parts, reasoning=False)
            text = "".join(part.text for part in answer.latest if isinstance(part, Text)).strip()
        else:
            text = answer.text
        if text:
            messages.append({"role": "assistant", "content": neutralise(text)})
    return messages


def to_prefix(answer: Answer, marks: tuple[str, str] | None, prefill: str = "") -> Message:
    """The beginning of an answer as a message that the engine continues.

    `marks` are the tags that the model writes around its reasoning; without them, reasoning cannot be continued.
    `prefill` is the hidden beginning of an answer without reasoning.
    """
    latest = answer.latest
    text = prefill + neutralise("".join(part.text for part in latest if isinstance(part, Text)))
    thoughts = "".join(part.text for part in latest if isinstance(part, Reasoning))
    if marks and thoughts:
        opening, closing = marks
        reasoning = neutralise(thoughts)
        text = f"{opening}{reasoning}" if answer.in_reasoning else f"{opening}{reasoning}{closing}{text}"
    return {"role": "assistant", "content": text}


def list_of_names(pictures: Sequence[Picture]) -> str:
    """What precedes a question about several pictures, so that question and answer can refer to each.

    The numbers are those below the pictures on the page. It is empty for a single picture, and for the frames of a
    video, which have captions.
    """
    if len(pictures) < 2 or all(caption(picture.name) for picture in pictures):
        return ""
    names = "; ".join(f"{number}. {picture.name}" for number, picture in enumerate(pictures, 1))
    return f"Pictures, in this order: {names}\n\n"


def _question(turn: Turn, url: PictureUrl, named: bool, numbers: Mapping[Picture, int] | None) -> Message:
    names = list_of_names(turn.pictures) if named and turn.text.strip() else ""
    if numbers and turn.pictures:
        names += f"{numbered([numbers[picture] for picture in turn.pictures])}\n\n"
    text = neutralise(names + turn.text)
    if not turn.pictures:
        return {"role": "user", "content": text}
    parts: list[Message] = []
    for picture in turn.pictures:
        if heading := caption(picture.name):
            parts.append({"type": "text", "text": heading})
        parts.append({"type": "image_url", "image_url": {"url": url(picture)}})
    if text.strip():
        parts.append({"type": "text", "text": text})
    return {"role": "user", "content": parts}
