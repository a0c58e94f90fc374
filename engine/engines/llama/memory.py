"""What llama-server uses the RAM for that its weights and its context leave.

On a processor llama.cpp's flash attention needs half as long again for a prompt as plain attention, but plain attention
holds the scores of all pairs: of a batch with the context, and of a picture's patches with each other.
"""

from __future__ import annotations

_MOST_CACHE_MB = 8192
_CHAT_MB = 1200
"""What the prompt of one long chat takes: a cache that holds none is of no use."""
_HEADS = 16
"""Attention heads of Kimi-VL, in the decoder and in the picture encoder."""
_BATCH = 512
"""Tokens of a prompt that llama-server reads at once."""
_SCORE_BYTES = 4


def memory_flags(left_gb: float, context: int, patches: int, *, plain_fits: bool) -> list[str]:
    """The flags for `left_gb` of RAM; `context` is in tokens, `patches` are the most of a picture.

    `plain_fits`: whether plain attention is better, given the memory for it.
    """
    scores_gb = (context * _BATCH + patches**2) * _HEADS * _SCORE_BYTES / 1000**3
    plain = plain_fits and left_gb >= scores_gb
    for_chats = left_gb - scores_gb if plain else left_gb
    cache = max(0, min(int(for_chats * 1000**3 / 1024**2), _MOST_CACHE_MB))
    # All chats begin with the same words, by which they would push each other out of one slot.
    apart = [] if cache >= _CHAT_MB else ["--slot-prompt-similarity", "0.5"]
    return ["--cache-ram", str(cache), *apart, *(["--flash-attn", "off"] if plain else [])]
