"""What an answer took: the figures of its last request, from which the line below it is made.

The limits are for what comes out of a file; an engine's own figures keep to them (`app.upstream.stream`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from app.talk.control_tokens import whole

MAX_COUNT = 10**15
MAX_FINISH_REASON = 100
_MAX_MODEL = 500
_FASTEST = 5_000
"""Tokens a second: no engine writes one answer faster."""

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
"""A number of tokens."""
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]


@dataclass(frozen=True)
class Usage:
    """How many tokens went in and came out; `reasoning_tokens` are part of the latter, where the engine reports them.

    `cached_tokens` are those of the prompt that the engine still had in its memory.
    """

    prompt_tokens: Count
    completion_tokens: Count
    reasoning_tokens: Count | None = None
    cached_tokens: Count | None = None


@dataclass
class Figures:
    """What a turn took. Times are in seconds."""

    model: str
    first_token: Seconds | None = None
    writing: Seconds = 0.0
    """From the first token to the last."""
    usage: Usage | None = None
    finish_reason: Annotated[str, Field(max_length=MAX_FINISH_REASON)] = ""
    """In the engine's word; empty where the turn did not go to its end."""

    def __post_init__(self) -> None:
        # A server of somebody else's may call its models anything.
        self.model = whole(self.model)[:_MAX_MODEL]

    @property
    def tokens_per_second(self) -> float | None:
        """How fast the engine wrote; None where it did not report how much, or too little for a rate.

        Nor is there one where the answer was there before it was asked for, as what the reader has read before.
        """
        if self.usage is None or self.usage.completion_tokens < 2 or self.writing <= 0:
            return None
        rate = (self.usage.completion_tokens - 1) / self.writing
        return rate if rate <= _FASTEST else None
