"""Two versions of an answer beside each other, as data for the page (public/compare.js)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.i18n import Language, text
from app.page.answer import wording
from app.talk.conversation import Answer, Turn
from app.talk.differences import differences
from app.talk.footer import footer_line


@dataclass(frozen=True)
class Version:
    """One answer to one version of a question; None: that question has none."""

    turn: Turn
    answer: Answer | None
    label: str


def versions_of(turns: Sequence[Turn], language: Language) -> list[Version]:
    """All answers to the versions of a question, oldest first."""
    found = []
    for question, turn in enumerate(turns, 1):
        for number, answer in enumerate(turn.answers or [None], 1):
            key = "compare_of_question" if len(turns) > 1 else "compare_answer"
            found.append(Version(turn, answer, text(key, language, question=question, number=number)))
    return found


def usual_pair(versions: Sequence[Version], shown: Turn) -> tuple[int, int]:
    """The answer that the page shows and the one before it, or after it if it is the first; as indices."""
    at = next(n for n, version in enumerate(versions) if version.turn is shown and version.answer is shown.answer)
    return (at - 1, at) if at else (0, 1)


def comparison(versions: Sequence[Version], pair: tuple[int, int], language: Language) -> dict[str, Any]:
    """What the page shows. It takes a while with long answers, so call it in a thread."""
    chosen = [versions[at] for at in pair]
    answers = differences(*(_answer(version, language) for version in chosen))
    asked = differences(*(version.turn.text for version in chosen))
    edited = chosen[0].turn is not chosen[1].turn
    sides = [
        {
            "at": at,
            "figures": _figures(version.answer, language),
            "question": question if edited else [],
            "answer": answer,
        }
        for at, version, question, answer in zip(pair, chosen, asked[:2], answers[:2], strict=True)
    ]
    return {"versions": [version.label for version in versions], "sides": sides, "places": answers.places}


def _answer(version: Version, language: Language) -> str:
    if version.answer is None:
        return text("compare_none", language)
    return version.answer.text or wording.no_answer(version.answer, language)


def _figures(answer: Answer | None, language: Language) -> str:
    """The line below the answer, with the seconds that it took in all."""
    if answer is None:
        return ""
    line, figures = footer_line(answer, language), answer.figures
    if figures is None or figures.first_token is None or figures.characters:
        return line
    return f"{line} · {text('line_seconds', language, seconds=f'{figures.first_token + figures.writing:.1f}')}"
