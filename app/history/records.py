"""Converts between the rows of the tables and the data of `app.talk.conversation`. No I/O."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import Row

from app.talk.conversation import LAST_SECOND, Answer, Picture, Turn
from app.talk.figures import Figures
from app.talk.parts import Reasoning, Step, Stretch, Text
from app.talk.places import PicturePlaces
from app.talk.settings import MAX_STORED_BYTES, stored

_log = logging.getLogger("app.history")
_IN_COLUMNS = {"id", "parts", "figures", "feedback", "comment"}
_LONGEST_SETTINGS = 16 * MAX_STORED_BYTES
_DETAILS = sorted({field.name for field in fields(Answer)} - _IN_COLUMNS)
_FIGURES = TypeAdapter(Figures)
_STEP: TypeAdapter[Step] = TypeAdapter(Annotated[Step, Field(discriminator="kind")])
_PLACES = TypeAdapter(list[PicturePlaces])
_KINDS: dict[str, type[Stretch]] = {"reasoning": Reasoning, "text": Text}
"""The kinds of parts whose text is in a searchable column, named after the kind."""


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
    """An answer's text and details: the columns that change while an answer is in progress."""
    said = [(part, clean(part.text)) for part in answer.parts]
    words = {kind: "".join(text for part, text in said if part.kind == kind) for kind in _KINDS}
    # Escaped, so that no NUL of a tool reaches the database.
    stored = [
        {"kind": part.kind, "length": len(text)} if isinstance(part, Stretch) else asdict(part) for part, text in said
    ]
    parts = json.dumps(stored, separators=(",", ":"))
    return words | {"parts": parts, "figures": figures_text(answer), "details": details(answer)}


def feedback_values(answer: Answer) -> dict[str, Any]:
    """The user's feedback on an answer."""
    return {"feedback": answer.feedback, "comment": clean(answer.comment)}


def figures_text(answer: Answer) -> str | None:
    """An answer's figures as JSON; None if they are unknown."""
    return _FIGURES.dump_json(answer.figures).decode() if answer.figures else None


def details(answer: Answer) -> str:
    """The fields of an answer without a column of their own, as JSON."""
    values = {name: getattr(answer, name) for name in _DETAILS}
    return dump({**values, "places": _PLACES.dump_python(answer.places, mode="json")})


def read_turns(
    turns: Sequence[Row[Any]], pictures: Sequence[Row[Any]], answers: Sequence[Row[Any]], uploads: Path
) -> list[Turn]:
    """Turns from their rows; pictures and answers must be in order."""
    found = {row.id: _turn(row) for row in turns}
    for row in pictures:
        # A turn may have been added between two statements of the same read; the next read gets it.
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
    """A mapping as JSON, in ASCII for any database."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def load(text: str) -> dict[str, Any]:
    """A mapping from its JSON."""
    value = json.loads(text or "{}")
    return value if isinstance(value, dict) else {}


def settings_text(settings: Mapping[str, Any]) -> str:
    """A thread's settings as stored: known fields only."""
    return dump(stored(settings))


def settings_of(text: str) -> dict[str, Any]:
    """A thread's stored settings. Earlier versions stored any input, so what is far too long is not even parsed."""
    return stored(load(text)) if len(text) <= _LONGEST_SETTINGS else {}


def writable_time(seconds: float) -> float:
    """A Unix time clamped to the calendar's range. Earlier versions imported any number."""
    return min(max(seconds, 0.0), LAST_SECOND) if math.isfinite(seconds) else 0.0


def clean(text: str) -> str:
    """`text` as a database can store it: without NUL and without unpaired surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def _turn(row: Row[Any]) -> Turn:
    return Turn(row.id, row.text, page_id=row.page_id, parent=row.parent, asked=row.asked)


def _answer(row: Row[Any]) -> Answer:
    answer = answer_without_words(row)
    read = dict.fromkeys(_KINDS, 0)
    for part in outline(row.parts):
        if isinstance(part, Step):
            answer.parts.append(part)
            continue
        kind, length = part
        start = read[kind]
        read[kind] = start + length
        answer.parts.append(_KINDS[kind](row._mapping[kind][start : start + length]))
    return answer


def outline(parts: str) -> list[tuple[str, int] | Step]:
    """An answer's parts in order: a step as it is, of any other its kind and its length in characters in its column.

    A step that can't be read is left out: the chat must not be lost with it.
    """
    found: list[tuple[str, int] | Step] = []
    for part in json.loads(parts):
        if part["kind"] in _KINDS:
            found.append((part["kind"], part["length"]))
            continue
        try:
            found.append(_STEP.validate_python(part))
        except ValidationError as error:
            places = [".".join(map(str, wrong["loc"])) for wrong in error.errors()]
            _log.warning("a step of an answer can't be read: %s", ", ".join(places))
    return found


def answer_without_words(row: Row[Any]) -> Answer:
    """An answer without its text."""
    details = {name: value for name, value in load(row.details).items() if name in _DETAILS}
    details["places"] = _places(details.get("places", []))
    figures = _FIGURES.validate_json(row.figures) if row.figures else None
    return Answer(figures=figures, feedback=row.feedback, comment=row.comment, id=row.id, **details)


def _places(stored: object) -> list[PicturePlaces]:
    """The places of an answer; none if they can't be read: the chat must not be lost with them."""
    try:
        return _PLACES.validate_python(stored)
    except ValidationError as error:
        _log.warning("the places of an answer can't be read: %s", error.errors()[0]["loc"])
        return []


def _drop_what_never_was(turn: Turn, chosen: str) -> None:
    """Drops answers that failed before they began."""
    turn.answers = [answer for answer in turn.answers if not (answer.empty and answer.ending in {None, "error"})]
    turn.choose(chosen)
