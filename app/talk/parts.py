"""The parts of an answer, in the order in which they arrived.

Memory, database and files share these classes. A new kind of part is another class in `Part`; stored parts are
distinguished by `kind`, so neither the database nor the file format has to change for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass
class Reasoning:
    """A stretch of reasoning."""

    text: str
    kind: Literal["reasoning"] = "reasoning"


@dataclass
class Text:
    """A stretch of the answer, as Markdown."""

    text: str
    kind: Literal["text"] = "text"


Part = Annotated[Reasoning | Text, Field(discriminator="kind")]


def parts_of(reasoning: str = "", text: str = "") -> list[Part]:
    """The parts of an answer with this reasoning, if any, followed by this text, if any."""
    parts: list[Part] = []
    if reasoning:
        parts.append(Reasoning(reasoning))
    if text:
        parts.append(Text(text))
    return parts
