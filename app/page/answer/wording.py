"""What the page says about a turn, in the user's language: waiting, progress, errors, notes."""

from __future__ import annotations

from app.i18n import Language, text
from app.talk.conversation import Answer
from app.talk.fitting import Fit
from app.talk.footer import speed_figure
from app.turn.faults import Fault
from app.upstream.progress import Pulse
from engine.status import EngineStatus, Reason
from engine.wording import doing, sentence

SILENT_SECONDS = 30
"""After this long without a token, the engine may be stuck."""


def waiting(status: EngineStatus, language: Language) -> str:
    """Why a question waits."""
    phase = doing(status.phase, language)
    if status.state == "starting" and phase:
        if status.percent is not None:
            return text("engine_starting_percent", language, phase=phase, percent=round(status.percent))
        return text("engine_starting", language, phase=phase)
    return text("engine_restarting" if status.restarts else "waiting", language)


def fault(fault: Fault, language: Language, *, admin: bool = False) -> str:
    """What went wrong, with the way out; `admin`: for an admin."""
    values = {
        name: sentence(value, language) if isinstance(value, Reason) else value for name, value in fault.values.items()
    }
    return text(fault.key, language, admin, **values)


def pulse(seen: Pulse, language: Language) -> str:
    """The progress of an answer; empty while there is nothing worth reporting."""
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


def thought(seconds: float | None, stopped: bool, language: Language, *, reads: bool = False) -> str:
    """The Thinking step's name once it has ended; `reads`: of the reader, which does not think."""
    if stopped:
        return text("reading_stopped" if reads else "thought_stopped", language)
    if seconds is None:
        return thinks(language, reads=reads)
    return text("read_for" if reads else "thought_for", language, seconds=max(1, round(seconds)))


def thinks(language: Language, *, reads: bool = False) -> str:
    """The Thinking step's name while it grows."""
    return text("reading" if reads else "thinking", language)


def no_answer(answer: Answer, language: Language) -> str:
    """The text shown in place of an answer that never began."""
    match answer.ending:
        case "stopped":
            return text("stopped_before_answer", language)
        case "length":
            return text("limit_before_answer", language)
        case None:
            return text("no_answer_yet", language)
        case _:
            return text("nothing_said", language)


def left_out(fitted: Fit, language: Language) -> str:
    """What of the conversation was not sent; empty if all of it was."""
    sentences = []
    if fitted.left_out_turns:
        sentences.append(text("left_out_turns", language, count=fitted.left_out_turns))
    if fitted.left_out_pictures:
        sentences.append(text("left_out_pictures", language, count=fitted.left_out_pictures))
    return " ".join(sentences)
