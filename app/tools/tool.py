"""What a tool is for a turn, and what comes of calling it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tool:
    """A tool that is offered to the model."""

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]
    server: str = ""
    """Empty: one of our own."""
    unasked: bool = False
    """Whether it runs without a question to the user."""

    def as_function(self) -> dict[str, Any]:
        """In the form of the OpenAI API."""
        function = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": function}


@dataclass
class Outcome:
    """What a call gave, before it is cut to its limits; `pictures` are encoded pictures of any kind."""

    text: str = ""
    failed: bool = False
    pictures: list[bytes] = field(default_factory=list)
