"""The parts of an answer, in the order in which they arrived.

Memory, database and files share these classes. A new kind of part is another class in `Part`; stored parts are
distinguished by `kind`, so neither the database nor the file format has to change for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

MOST_RESULT_CHARACTERS = 20_000
"""Of the text of one result; the rest is cut off, and the text says so."""
MOST_ARGUMENT_CHARACTERS = 50_000
MOST_RESULT_PICTURES = 4
LONGEST_NAME = 200
"""Of a tool, and of a call's id."""


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


@dataclass
class ToolCall:
    """A tool that the model calls. `id` and `arguments` are the model's own and go back to it unchanged."""

    id: Annotated[str, Field(max_length=LONGEST_NAME)]
    name: Annotated[str, Field(max_length=LONGEST_NAME)]
    arguments: Annotated[str, Field(max_length=MOST_ARGUMENT_CHARACTERS)]
    """JSON, unless the model made a mistake."""
    kind: Literal["tool_call"] = "tool_call"

    @property
    def text(self) -> str:
        """What of it takes up a model's context."""
        return f"{self.name} {self.arguments}"


@dataclass
class ResultPicture:
    """A picture that a tool returned: a file in the thread's folder of uploads; sizes are in pixels."""

    file: Annotated[str, Field(pattern=r"^[0-9a-f]{64}\.(png|jpg)$")]
    name: Annotated[str, Field(max_length=200)]
    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]


@dataclass
class ToolResult:
    """What came of the call with the same `id`."""

    id: Annotated[str, Field(max_length=LONGEST_NAME)]
    text: Annotated[str, Field(max_length=2 * MOST_RESULT_CHARACTERS)]
    failed: bool = False
    pictures: Annotated[list[ResultPicture], Field(max_length=MOST_RESULT_PICTURES)] = field(default_factory=list)
    kind: Literal["tool_result"] = "tool_result"


Stretch = Reasoning | Text
Step = ToolCall | ToolResult
"""What happens between two stretches of text; stored as a whole, while the text of a stretch has its own column."""
Part = Annotated[Reasoning | Text | ToolCall | ToolResult, Field(discriminator="kind")]
