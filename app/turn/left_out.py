"""What of the calls and results of an answer is left out where they do not fit into the model's context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from app.talk.parts import Part, ToolCall, ToolResult

LEFT_OUT = "[left out: the results of this answer do not fit into the context]"
"""For the model, instead of a result."""
ARGUMENTS_LEFT_OUT = '{"left_out": "The arguments of this call do not fit into the context."}'
"""For the model, instead of long arguments."""
_LONG = 1000
"""Characters of arguments that are worth leaving out."""
_SHARE = 4
"""Several at once, since each attempt counts the whole chat."""


def can_be_left_out(parts: Sequence[Part]) -> int:
    """How many results and long arguments are still whole."""
    return sum(map(_is_whole, parts))


def without_the_oldest(parts: Sequence[Part]) -> list[Part]:
    """The parts, without a quarter of the results and long arguments that are still whole."""
    whole = [part for part in parts if _is_whole(part)]
    dropped = {id(part) for part in whole[: math.ceil(len(whole) / _SHARE)]}
    return [_cut(part) if id(part) in dropped else part for part in parts]


def _is_whole(part: Part) -> bool:
    if isinstance(part, ToolCall):
        return len(part.arguments) > _LONG
    return isinstance(part, ToolResult) and part.text != LEFT_OUT


def _cut(part: Part) -> Part:
    if isinstance(part, ToolCall):
        return replace(part, arguments=ARGUMENTS_LEFT_OUT)
    assert isinstance(part, ToolResult)
    return replace(part, text=LEFT_OUT, pictures=[])
