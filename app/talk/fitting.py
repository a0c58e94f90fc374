"""Fits a conversation into the model's context before it is sent.

The oldest turns are dropped first, then the oldest pictures of the turn before the question; the question itself never
is. What is left out is counted, and the page reports it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.talk.conversation import Picture, Turn, list_of_names
from engine.formats.moments import caption
from engine.formats.picture_tokens import BLOCK, blocks

Count = Callable[[str], int]
"""The number of tokens in a text."""

MESSAGE_TOKENS = 8
"""The most tokens that a chat template adds to a message."""
PICTURE_EXTRA = 6
"""The most tokens that it adds to a picture."""
SMALLEST_ANSWER = 64
"""With less room than this for the answer, in tokens, the question is not sent."""
CAPTION_TOKENS = 16
"""The most tokens of the text before a frame of a video."""
TOKEN_PIXELS = BLOCK * BLOCK


class TooLongError(Exception):
    """The question alone does not fit into the model's context. `needed` and `context` are in tokens."""

    def __init__(self, needed: int, context: int) -> None:
        super().__init__(f"{needed} tokens do not fit into {context}")
        self.needed = needed
        self.context = context


@dataclass(frozen=True)
class Fit:
    """What to send: the turns, the tokens remaining for the answer, and how much was left out."""

    turns: list[Turn]
    max_tokens: int
    left_out_turns: int = 0
    left_out_pictures: int = 0


def upper_bound(text: str) -> int:
    """The most tokens a text can have: a byte-level tokenizer never makes more tokens than there are bytes."""
    return len(text.encode("utf-8", "surrogatepass"))


def estimate(text: str) -> int:
    """A conservative estimate without a tokenizer: English has about four letters per token, Chinese at least one."""
    narrow = len(text.encode("ascii", "ignore"))
    return math.ceil(narrow / 3) + len(text) - narrow


def picture_tokens(picture: Picture, pixel_limit: int) -> int:
    """The tokens of a picture, and of the text before it."""
    return (
        blocks(picture.width, picture.height, pixel_limit)
        + PICTURE_EXTRA
        + (CAPTION_TOKENS if caption(picture.name) else 0)
    )


@dataclass(frozen=True)
class Limits:
    """A model's limits: `context` in tokens, the size and the number of pictures."""

    context: int
    picture_pixels: int
    pictures_per_prompt: int


def fit(turns: Sequence[Turn], extra: Sequence[str], max_tokens: int, limits: Limits, count: Count) -> Fit:
    """Drops what does not fit.

    A quarter of the context is reserved for the answer, less if `max_tokens` is smaller; `max_tokens` is reduced to the
    remaining room. `extra` are the texts besides the turns: the system prompt, the answer to be continued.

    Raises:
        TooLongError: the last turn alone leaves no room for an answer.
    """
    kept, left_out_pictures = _within_picture_limit(list(turns), limits.pictures_per_prompt)
    fixed = sum(count(text) + MESSAGE_TOKENS for text in extra) + MESSAGE_TOKENS
    budget = limits.context - min(max_tokens, limits.context // 4) - fixed

    def size(turn: Turn) -> int:
        return _turn_tokens(turn, turn is kept[-1], limits.picture_pixels, count)

    # Counted once, since nearly all of thousands of turns may be dropped here.
    sizes = [size(turn) for turn in kept]
    total, left_out_turns = sum(sizes), 0
    while len(kept) - left_out_turns > 2 and total > budget:
        total -= sizes[left_out_turns]
        left_out_pictures += len(kept[left_out_turns].pictures)
        left_out_turns += 1
    del kept[:left_out_turns]
    while len(kept) == 2 and sum(map(size, kept)) > budget:
        if kept[0].pictures:
            kept[0] = replace(kept[0], pictures=kept[0].pictures[1:])
            left_out_pictures += 1
        else:
            kept.pop(0)
            left_out_turns += 1
    room = limits.context - fixed - sum(map(size, kept))
    if room < min(SMALLEST_ANSWER, max_tokens):
        raise TooLongError(limits.context - room, limits.context)
    return Fit(kept, min(max_tokens, room), left_out_turns, left_out_pictures)


def texts(turns: Sequence[Turn]) -> list[str]:
    """Every text of the turns whose tokens `fit` may count."""
    found = [turn.text for turn in turns]
    found += [turn.answer.text for turn in turns if turn.answer]
    return found + [step.text for turn in turns if turn.answer for step in turn.answer.steps]


def _turn_tokens(turn: Turn, last: bool, pixel_limit: int, count: Count) -> int:
    tokens = count(turn.text) + MESSAGE_TOKENS
    tokens += sum(picture_tokens(picture, pixel_limit) for picture in turn.pictures)
    tokens += upper_bound(list_of_names(turn.pictures))
    if not last and turn.answer:
        tokens += count(turn.answer.text) + MESSAGE_TOKENS
        tokens += sum(count(step.text) + MESSAGE_TOKENS for step in turn.answer.steps)
    return tokens


def _within_picture_limit(turns: list[Turn], limit: int) -> tuple[list[Turn], int]:
    surplus = sum(len(turn.pictures) for turn in turns) - limit
    left_out = 0
    for n, turn in enumerate(turns[:-1]):
        drop = min(len(turn.pictures), max(0, surplus - left_out))
        if drop:
            turns[n] = replace(turn, pictures=turn.pictures[drop:])
            left_out += drop
    return turns, left_out
