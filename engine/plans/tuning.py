"""Presets: sets of engine flags for a purpose.

`appliance` is what a cloud image of this chat is known for, to the figure. The others follow Ascend's tuning guide:
which flag to turn in which direction; how far is our starting point, to be measured on the machine itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from engine.catalog import Model
from engine.plans.flags import number

Preset = Literal["", "appliance", "long-context", "low-latency", "high-throughput"]
NAMES: tuple[str, ...] = tuple(name for name in get_args(Preset) if name)

USUAL_SEQUENCES = 16
"""Where a model has no published number of requests at once."""
ONE_PICTURE = 4096
"""Tokens of the largest picture of all models: a step must hold one."""
OURS = "a starting point of ours: measure it on your machine."


def preset_flags(preset: str, model: Model, argv: Sequence[str]) -> tuple[list[str], str]:
    """The flags that the preset changes in `argv`, vLLM's, and a sentence on them."""
    sequences = number(argv, "--max-num-seqs") or USUAL_SEQUENCES
    length = number(argv, "--max-model-len")
    if preset == "appliance":
        context = min(8192, model.context)
        flags = ["--max-num-seqs", "16", "--max-model-len", str(context), "--gpu-memory-utilization", "0.95"]
        return flags, f"appliance: 16 people at once, {context:,} tokens of context, 95 % of the memory."
    if preset == "long-context":
        flags = ["--max-num-seqs", str(max(1, sequences // 4))]
        if length is not None:
            flags += ["--max-model-len", str(min(model.context, length * 4))]
        return flags, f"long-context: a quarter of the requests at once, for up to four times the length; {OURS}"
    if preset == "low-latency":
        flags = ["--max-num-seqs", str(max(1, sequences // 2)), "--max-num-batched-tokens", str(ONE_PICTURE)]
        return flags, f"low-latency: fewer requests at once and smaller steps; {OURS}"
    if preset == "high-throughput":
        flags = ["--max-num-seqs", str(sequences * 4), "--max-num-batched-tokens", "16384"]
        return flags, f"high-throughput: more requests at once and larger steps; raise them step by step, {OURS}"
    return [], ""
