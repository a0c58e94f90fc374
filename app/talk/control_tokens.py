"""Neutralises a model's control strings in text that users or a model wrote.

Chat templates insert a message's text into the prompt verbatim, so a typed `<|im_end|>` would end the message and a
typed `◁think▷` would open a think block. A zero-width space inside the string hides it from the tokenizer, and the
user sees no difference.
"""

from __future__ import annotations

import re

_ZERO_WIDTH = "\u200b"

_CONTROL = re.compile(
    r"<\|(?=[^|<>\s][^|<>]{0,60}\|>)"  # <|im_end|>, <|media_pad|>: Kimi, Qwen, Llama 3
    r"|◁(?=/?think▷)"  # Kimi-VL's reasoning marks
    r"|<(?=/?think>)"  # Kimi-K2's and others'
    r"|\[(?=(?:BOS|EOS|PAD|UNK|EOT)\])"  # Kimi's remaining special tokens
)
_HALVES = re.compile("[\ud800-\udfff]")


def neutralise(text: str) -> str:
    """`text` with every control string broken by a zero-width space; all other text is unchanged."""
    return _CONTROL.sub(lambda match: match.group() + _ZERO_WIDTH, whole(text))


def whole(text: str) -> str:
    """`text` with lone surrogates replaced: JSON can contain them, but UTF-8 and so the engine's input cannot."""
    return _HALVES.sub("\ufffd", text)
