"""What of a picture an answer is about: the engine's own lines, or else what the answer points at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.talk.conversation import Answer, Picture
from app.talk.grounding import find
from app.talk.places import Place

Seen = list[tuple[Picture, list[Place]]]
"""Pictures with the places in them, in the order in which the answer comes to them."""


def places_of(answer: Answer, asked: Sequence[Sequence[Picture]]) -> Seen:
    """The places that can be shown for an answer; `asked` are the pictures of its question and of those before it.

    An engine that reports its lines has read any of them; a model points at those of the last question with pictures.
    """
    by_file = {Path(picture.path).name: picture for pictures in asked for picture in pictures}
    if answer.places:
        return [(by_file[one.file], one.places) for one in answer.places if one.file in by_file]
    pictures = asked[-1] if asked else []
    seen: dict[int, list[Place]] = {}
    for at, place in find(answer.text, [(picture.width, picture.height) for picture in pictures]):
        seen.setdefault(at, []).append(place)
    return [(pictures[at], places) for at, places in seen.items()]
