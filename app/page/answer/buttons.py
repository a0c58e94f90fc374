"""The buttons below a question and its answer, as data: what each one is, and which of them a turn has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.i18n import Language, text
from app.talk.conversation import Answer, Picture, Turn
from app.talk.seen import places_of
from engine.engines.reader import NAME as READER

Name = Literal[
    "ask_vision",
    "regenerate",
    "continue",
    "retry",
    "previous",
    "next",
    "answer_now",
    "keep_waiting",
    "stop_here",
    "earlier_question",
    "later_question",
    "compare",
    "download",
    "show_places",
    "run_tool",
    "always_tool",
    "refuse_tool",
]


@dataclass(frozen=True)
class Button:
    """One kind of button; its words are in the locales as `button_NAME` and `button_NAME_hint`."""

    name: Name
    icon: str
    """Its name in Lucide."""
    while_running: bool = False
    """Whether it acts on an answer in progress; all others work between answers only."""
    asks_engine: bool = False


BUTTONS: dict[str, Button] = {
    button.name: button
    for button in (
        # The style sheet shows it only while a vision model answers (public/banner.js).
        Button("ask_vision", "eye", asks_engine=True),
        Button("regenerate", "refresh-cw", asks_engine=True),
        Button("continue", "arrow-right", asks_engine=True),
        Button("retry", "rotate-ccw", asks_engine=True),
        Button("previous", "chevron-left"),
        Button("next", "chevron-right"),
        Button("answer_now", "zap", while_running=True),
        Button("keep_waiting", "hourglass", while_running=True),
        Button("stop_here", "square", while_running=True),
        Button("earlier_question", "undo-2"),
        Button("later_question", "redo-2"),
        Button("compare", "columns-2"),
        Button("download", "download"),
        Button("show_places", "scan-search"),
        Button("run_tool", "play", while_running=True),
        Button("always_tool", "fast-forward", while_running=True),
        Button("refuse_tool", "x", while_running=True),
    )
}
"""All buttons, by name."""
WHEN_STALLED: tuple[Name, ...] = ("keep_waiting", "stop_here")
"""The choices a user has when the engine is silent."""
MAY_RUN: tuple[Name, ...] = ("run_tool", "always_tool", "refuse_tool")
"""The choices a user has when a tool is called."""
LONG_ANSWER = 2000
"""A longer answer, in characters, can also be downloaded as a file."""


@dataclass(frozen=True)
class Offered:
    """A button of one turn, in the user's language."""

    button: Button
    turn_id: str
    label: str
    hint: str


def offer(name: Name, turn_id: str, language: Language, place: str = "") -> Offered:
    """One button; `place` says to which of several answers or questions it leads."""
    label = text(f"button_{name}", language)
    hint = text(f"button_{name}_hint", language)
    return Offered(BUTTONS[name], turn_id, f"{label} ({place})" if place else label, hint)


def below_answer(
    turn: Turn, answer: Answer, language: Language, asked: Sequence[Sequence[Picture]] = ()
) -> list[Offered]:
    """The buttons below an answer; `asked` are the pictures of its question and of those before it."""
    wanted: list[Name] = []
    # A stored answer without an ending was cut off when its process was killed, or another session is receiving it.
    if answer.ending != "stop":
        wanted.append("continue")
    if answer.figures and answer.figures.model == READER:
        wanted.append("ask_vision")
    if places_of(answer, asked):
        wanted.append("show_places")
    wanted.append("regenerate")
    if len(answer.text) > LONG_ANSWER:
        wanted.append("download")
    made = [offer(name, turn.id, language) for name in wanted]
    if len(turn.answers) > 1:
        at = next(n for n, other in enumerate(turn.answers) if other is answer)
        made += _to_neighbours("previous", "next", (at + 1, len(turn.answers)), turn.id, language)
    return made


def to_versions(turn_id: str, place: tuple[int, int], language: Language) -> list[Offered]:
    """The buttons that lead to the other versions of an edited question; `place` is this version and their number."""
    return _to_neighbours("earlier_question", "later_question", place, turn_id, language)


def below(
    turn: Turn, answer: Answer, place: tuple[int, int], language: Language, asked: Sequence[Sequence[Picture]] = ()
) -> list[Offered]:
    """All buttons below an answer; `place` is the question's version, and how many there are.

    `asked` are the pictures of the question and of those before it.
    """
    several = len(turn.answers) > 1 or place[1] > 1
    compare = [offer("compare", turn.id, language)] if several else []
    return below_answer(turn, answer, language, asked) + to_versions(turn.id, place, language) + compare


def _to_neighbours(
    before: Name, after: Name, place: tuple[int, int], turn_id: str, language: Language
) -> list[Offered]:
    at, count = place
    made: list[Offered] = []
    if at > 1:
        made.append(offer(before, turn_id, language, f"{at - 1}/{count}"))
    if at < count:
        made.append(offer(after, turn_id, language, f"{at + 1}/{count}"))
    return made
