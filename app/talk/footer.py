"""The line below an answer, in the user's language."""

from __future__ import annotations

from app.i18n import Language, text
from app.talk.conversation import Answer, Ending
from app.talk.figures import Figures

_ENDED: dict[Ending | None, str] = {"stopped": "line_stopped", "length": "line_limit", "error": "line_error"}
"""The keys for answers that did not end by themselves."""


def footer_line(answer: Answer, language: Language) -> str:
    """How the answer ended if not by itself, the model, the times, the tokens.

    An answer saved by an earlier version keeps its stored line.
    """
    if answer.line and not answer.figures:
        return answer.line
    ended = _ENDED.get(answer.ending)
    parts = [text(ended, language)] if ended else []
    if answer.figures:
        parts += _figures(answer.figures, language)
    return " · ".join(parts)


def _figures(figures: Figures, language: Language) -> list[str]:
    parts = [figures.model]
    if figures.characters:
        seconds = f"{(figures.first_token or 0) + figures.writing:.1f}"
        return [*parts, text("line_seconds", language, seconds=seconds)]
    if figures.first_token is not None:
        parts.append(text("line_first_token", language, seconds=f"{figures.first_token:.2f}"))
    if (speed := figures.tokens_per_second) is not None:
        parts.append(text("line_speed", language, speed=speed_figure(speed)))
    if figures.usage:
        into, out = figures.usage.prompt_tokens, figures.usage.completion_tokens
        parts.append(text("line_tokens", language, into=f"{into:,}", out=f"{out:,}"))
    return parts


def speed_figure(speed: float) -> str:
    """Tokens per second: from 10 on as an integer, else with one decimal."""
    return f"{speed:,.0f}" if speed >= 10 else f"{speed:.1f}"
