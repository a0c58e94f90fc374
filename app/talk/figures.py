"""What an answer took: the figures of its last request, from which the line below it is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """How many tokens went in and came out; `reasoning_tokens` are part of the latter, where the engine reports them.

    `cached_tokens` are those of the prompt that the engine still had in its memory.
    """

    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass
class Figures:
    """What a turn took. Times are in seconds."""

    model: str
    first_token: float | None = None
    writing: float = 0.0
    """From the first token to the last."""
    usage: Usage | None = None
    finish_reason: str = ""

    @property
    def tokens_per_second(self) -> float | None:
        """How fast the engine wrote; None where it did not report how much, or too little for a rate."""
        if self.usage is None or self.usage.completion_tokens < 2 or self.writing <= 0:
            return None
        return (self.usage.completion_tokens - 1) / self.writing
