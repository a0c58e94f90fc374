"""Between the rows of the tables and the data of `app.talk.conversation`. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from app.talk.conversation import Answer, Picture, Turn
from app.talk.settings import MAX_STORED_BYTES, stored

LAST_SECOND = 253402300799.0
"""The last one of the year 9999, after which no time can be written."""
_IN_COLUMNS = {"id", "reasoning", "text", "feedback", "comment"}
_LONGEST_SETTINGS = 16 * MAX_STORED_BYTES
_DETAILS = sorted({field.name for field in fields(Answer)} - _IN_COLUMNS)


def turn_values(turn: Turn, thread_id: str) -> dict[str, Any]:
    """The row of a question."""
    return {
        "id": turn.id,
        "thread_id": thread_id,
        "parent": turn.parent,
        "page_id": turn.page_id,
        "asked": turn.asked,
        "text": clean(turn.text),
    }


def picture_values(turn: Turn, thread_id: str, uploads: Path) -> list[dict[str, Any]]:
    """The rows of a question's pictures.

    Raises:
        ValueError: a picture is not in the thread's own folder.
    """
    folder = uploads / thread_id
    return [
        {
            "turn_id": turn.id,
            "position": position,
            "file": f"{thread_id}/{Path(picture.path).relative_to(folder).as_posix()}",
            "name": clean(picture.name),
            "width": picture.width,
            "height": picture.height,
        }
        for position, picture in enumerate(turn.pictures)
    ]


def answer_values(answer: Answer) -> dict[str, Any]:
    """What an engine said, and what is known of that: the columns that change while an answer is given."""
    return {"reasoning": clean(answer.reasoning), "text": clean(answer.text), "details": details(answer)}


def feedback_values(answer: Answer) -> dict[str, Any]:
    """What its reader thought of an answer."""
    return {"feedback": answer.feedback, "comment": clean(answer.comment)}


def details(answer: Answer) -> str:
    """All that is known of an answer and has no column of its own, as JSON."""
    return dump({name: getattr(answer, name) for name in _DETAILS})


def read_turns(
    turns: Sequence[Row[Any]], pictures: Sequence[Row[Any]], answers: Sequence[Row[Any]], uploads: Path
) -> list[Turn]:
    """Turns out of their rows, of which pictures and answers come in their order."""
    found = {row.id: _turn(row) for row in turns}
    for row in pictures:
        # Between two statements of a reader a turn may have been added, which comes with the next look.
        if row.turn_id in found:
            path = str(uploads / row.file)
            found[row.turn_id].pictures.append(Picture(path, row.name, row.width, row.height))
    for row in answers:
        if row.turn_id in found:
            found[row.turn_id].answers.append(_answer(row))
    for row in turns:
        _drop_what_never_was(found[row.id], row.chosen_answer)
    return list(found.values())


def dump(value: Mapping[str, Any]) -> str:
    """A mapping as JSON that every database takes."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def load(text: str) -> dict[str, Any]:
    """A mapping out of its JSON."""
    value = json.loads(text or "{}")
    return value if isinstance(value, dict) else {}


def settings_text(settings: Mapping[str, Any]) -> str:
    """A thread's settings as they are kept: known fields only."""
    return dump(stored(settings))


def settings_of(text: str) -> dict[str, Any]:
    """A thread's kept settings. Earlier versions kept whatever came; what is far too long is not even read."""
    return stored(load(text)) if len(text) <= _LONGEST_SETTINGS else {}


def writable_time(seconds: float) -> float:
    """A Unix time that a calendar has: this one, or the nearest to it. Earlier versions took any number in."""
    return min(max(seconds, 0.0), LAST_SECOND) if math.isfinite(seconds) else 0.0


def clean(text: str) -> str:
    """`text` as a database can keep it: without NUL, and without halves of UTF-16 pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _turn(row: Row[Any]) -> Turn:
    return Turn(row.id, row.text, page_id=row.page_id, parent=row.parent, asked=row.asked)


def _answer(row: Row[Any]) -> Answer:
    details = {name: value for name, value in load(row.details).items() if name in _DETAILS}
    return Answer(row.reasoning, row.text, feedback=row.feedback, comment=row.comment, id=row.id, **details)


def answer_details(row: Row[Any]) -> dict[str, Any]:
    """All of an answer but its id and its texts, out of the other columns of its row."""
    details = {name: value for name, value in load(row.details).items() if name in _DETAILS}
    known = {field.name: field.default for field in fields(Answer) if field.name in _DETAILS}
    return known | details | {"feedback": row.feedback, "comment": row.comment}


def _drop_what_never_was(turn: Turn, chosen: str) -> None:
    """Takes out answers that failed before they began; one whose process was ended half-way counts as stopped."""
    turn.answers = [answer for answer in turn.answers if not (answer.empty and answer.ending in {None, "error"})]
    turn.choose(chosen)
    for answer in turn.answers:
        answer.ending = answer.ending or "stopped"
