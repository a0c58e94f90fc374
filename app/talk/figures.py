"""An answer's figures: tokens and times of its last request, which the line below it shows.

The limits are for imported files; `app.upstream.stream` applies them to an engine's figures, too.
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
    """The tokens of prompt and completion; `reasoning_tokens` are part of the latter, if the engine reports them.

    `cached_tokens` are the part of the prompt that the engine had cached.
    """

    prompt_tokens: Count
    completion_tokens: Count
    reasoning_tokens: Count | None = None
    cached_tokens: Count | None = None


@dataclass
class Figures:
    """The figures of a turn. Times are in seconds."""

    model: str
    first_token: Seconds | None = None
    writing: Seconds = 0.0
    """From the first token to the last."""
    usage: Usage | None = None
    finish_reason: Annotated[str, Field(max_length=MAX_FINISH_REASON)] = ""
    """As the engine reports it; empty if the turn did not complete."""
    characters: bool = False
    """Whether the engine's tokens are characters, whose number and rate mean nothing to people."""

    def __post_init__(self) -> None:
        # A remote server may use any name for its models.
        self.model = whole(self.model)[:_MAX_MODEL]

    @property
    def tokens_per_second(self) -> float | None:
        """The engine's speed; None if it did not report its tokens, or wrote too few for a rate.

        Also None if the answer was ready beforehand, such as a picture that the reader has already read.
        """
        if self.usage is None or self.usage.completion_tokens < 2 or self.writing <= 0:
            return None
        rate = (self.usage.completion_tokens - 1) / self.writing
        return rate if rate <= _FASTEST else None
