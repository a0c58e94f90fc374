"""What the page says about a turn, in the person's language: the waiting, the quiet line, the buttons' labels."""

from __future__ import annotations

from typing import Literal

import chainlit as cl

from app.i18n import Language, catalogue, text
from app.talk.conversation import Answer, Turn
from app.talk.fitting import Fit
from app.talk.footer import speed_figure
from app.upstream.progress import Pulse
from engine.status import ANSWERS_NOTHING, EngineStatus

Button = Literal[
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
    "download",
]

_ICONS: dict[Button, str] = {
    "regenerate": "refresh-cw",
    "continue": "arrow-right",
    "retry": "rotate-ccw",
    "previous": "chevron-left",
    "next": "chevron-right",
    "answer_now": "zap",
    "keep_waiting": "hourglass",
    "stop_here": "square",
    "earlier_question": "undo-2",
    "later_question": "redo-2",
    "download": "download",
}

WHEN_STALLED: tuple[Button, ...] = ("keep_waiting", "stop_here")
"""The choice that a person has about a silent engine."""
SILENT_SECONDS = 30
"""An engine that has sent no token for so long may be stuck."""
LONG_ANSWER = 2000
"""An answer of more characters is offered as a file, too."""


def phase(words: str, language: Language) -> str:
    """What the engine is doing, or why it is given up; most of the supervisor's own sentences are shown as they are."""
    key = "answers_nothing" if words == ANSWERS_NOTHING else words
    return catalogue(language).get(f"phase_{key}", words)


def waiting(status: EngineStatus, language: Language) -> str:
    """Why a question waits."""
    doing = phase(status.phase, language)
    if status.state == "starting" and doing:
        if status.percent is not None:
            return text("engine_starting_percent", language, phase=doing, percent=round(status.percent))
        return text("engine_starting", language, phase=doing)
    return text("engine_restarting" if status.restarts else "waiting", language)


def pulse(seen: Pulse, language: Language) -> str:
    """How an answer under way goes; empty while there is nothing worth telling."""
    seconds = int(seen.silent)
    if not seen.begun:
        if seen.position:
            return text("pulse_queue", language, position=seen.position, seconds=int(seen.elapsed))
        key = "pulse_first" if seconds < SILENT_SECONDS else "pulse_first_late"
        return text(key, language, seconds=seconds) if seconds >= 2 else ""
    if seconds >= SILENT_SECONDS:
        return text("pulse_stuck", language, seconds=seconds)
    if seconds >= 2:
        return text("pulse_pause", language, seconds=seconds)
    speed = seen.tokens_per_second
    return text("pulse_speed", language, speed=speed_figure(speed)) if speed else ""


def thought(seconds: float | None, stopped: bool, language: Language) -> str:
    """The Thinking step's name once it has ended."""
    if stopped or seconds is None:
        return text("thought_stopped" if stopped else "thinking", language)
    return text("thought_for", language, seconds=max(1, round(seconds)))


def no_answer(answer: Answer, language: Language) -> str:
    """What stands in the place of an answer that never began."""
    match answer.ending:
        case "stopped":
            return text("stopped_before_answer", language)
        case "length":
            return text("limit_before_answer", language)
        case _:
            return text("nothing_said", language)


def left_out(fitted: Fit, language: Language) -> str:
    """What of the conversation was not sent along; empty if all of it was."""
    sentences = []
    if fitted.left_out_turns:
        sentences.append(text("left_out_turns", language, count=fitted.left_out_turns))
    if fitted.left_out_pictures:
        sentences.append(text("left_out_pictures", language, count=fitted.left_out_pictures))
    return " ".join(sentences)


def buttons(turn: Turn, answer: Answer, language: Language) -> list[cl.Action]:
    """The buttons below an answer."""
    wanted: list[Button] = []
    if answer.ending in {"length", "stopped", "error"}:
        wanted.append("continue")
    wanted.append("regenerate")
    if len(answer.text) > LONG_ANSWER:
        wanted.append("download")
    made = [button(name, turn.id, language) for name in wanted]
    if len(turn.answers) > 1:
        at = next(n for n, other in enumerate(turn.answers) if other is answer)
        place = f"{at + 1}/{len(turn.answers)}"
        if at > 0:
            made.append(button("previous", turn.id, language, place))
        if at < len(turn.answers) - 1:
            made.append(button("next", turn.id, language, place))
    return made


def version_buttons(turn_id: str, place: tuple[int, int], language: Language) -> list[cl.Action]:
    """The buttons that lead to the other versions of an edited question; `place` is this one, and of how many."""
    at, count = place
    made = []
    if at > 1:
        made.append(button("earlier_question", turn_id, language, f"{at}/{count}"))
    if at < count:
        made.append(button("later_question", turn_id, language, f"{at}/{count}"))
    return made


def button(name: Button, turn_id: str, language: Language, place: str = "") -> cl.Action:
    """One button; `place` says which of several answers is shown."""
    label = text(f"button_{name}", language)
    return cl.Action(
        name=name,
        payload={"turn": turn_id},
        label=f"{label} ({place})" if place else label,
        tooltip=text(f"button_{name}_hint", language),
        icon=_ICONS[name],
    )
