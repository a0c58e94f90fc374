"""What an answer is made of: parts, in the order in which they came.

Memory, database and files share these classes. A new kind of part is one more class in `Part`; what is written is told
apart by `kind`, so that no database and no file has to change for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass
class Reasoning:
    """What the model thought."""

    text: str
    kind: Literal["reasoning"] = "reasoning"


@dataclass
class Text:
    """What it answered, as Markdown."""

    text: str
    kind: Literal["text"] = "text"


Part = Annotated[Reasoning | Text, Field(discriminator="kind")]


def parts_of(reasoning: str = "", text: str = "") -> list[Part]:
    """The parts of an answer that thought first, if at all, and then answered, if it came to that."""
    parts: list[Part] = []
    if reasoning:
        parts.append(Reasoning(reasoning))
    if text:
        parts.append(Text(text))
    return parts
