"""Tunings: sets of engine flags for a purpose, chosen by `KIMI_PRESET`.

`appliance` has the exact figures of a well-known cloud image of this chat. The others follow Ascend's tuning guide,
which says which flag to change in which direction. How far is our starting point: measure it on the machine itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.catalog import Model
from engine.config import ConfigError, Settings
from engine.plans.flags import number
from engine.wording import said

USUAL_SEQUENCES = 16
"""Concurrent requests of a model that has no published number."""
ONE_PICTURE = 4096
"""Tokens of the largest picture of all models: a step must hold one."""


@dataclass(frozen=True)
class Before:
    """What a launch has without a tuning."""

    model: Model
    sequences: int | None
    """How many requests at once; None: what the engine thinks right for the devices, hundreds on large ones."""
    length: int | None
    """Prompt and answer together, in tokens; None: what memory allows."""


@dataclass(frozen=True)
class Tuning:
    """One purpose: what it changes on a server for many users, and on a laptop."""

    name: str
    flags: Callable[[Before], tuple[list[str], str]]
    """vLLM's flags, and a sentence about them."""
    slots: int
    """How many chats llama-server works on at once: a laptop's memory holds one long context or several short ones."""


def tuning_flags(name: str, model: Model, argv: Sequence[str]) -> tuple[list[str], str]:
    """The flags that the tuning changes in vLLM's `argv`, and a sentence about them; nothing if `name` is empty."""
    if not name:
        return [], ""
    return TUNINGS[name].flags(Before(model, number(argv, "--max-num-seqs"), number(argv, "--max-model-len")))


def check(settings: Settings) -> None:
    """Checks that `KIMI_PRESET` is one of the tunings, or empty.

    Raises:
        ConfigError: it is neither; the text names the value and what is allowed.
    """
    if settings.preset not in {"", *TUNINGS}:
        raise ConfigError(f"KIMI_PRESET is {settings.preset!r}; allowed is {', '.join(TUNINGS)}, or nothing.")


def _appliance(before: Before) -> tuple[list[str], str]:
    context = min(8192, before.model.context)
    flags = ["--max-num-seqs", "16", "--max-model-len", str(context), "--gpu-memory-utilization", "0.95"]
    return flags, said("appliance", context=context)


def _long_context(before: Before) -> tuple[list[str], str]:
    sequences = max(1, (before.sequences or USUAL_SEQUENCES) // 4)
    flags = ["--max-num-seqs", str(sequences)]
    if before.length is None:
        return flags, said("long_context", sequences=sequences)
    flags += ["--max-model-len", str(min(before.model.context, before.length * 4))]
    return flags, said("long_context_longer")


def _low_latency(before: Before) -> tuple[list[str], str]:
    sequences = max(1, (before.sequences or USUAL_SEQUENCES) // 2)
    flags = ["--max-num-seqs", str(sequences), "--max-num-batched-tokens", str(ONE_PICTURE)]
    return flags, said("low_latency")


def _high_throughput(before: Before) -> tuple[list[str], str]:
    flags = ["--max-num-batched-tokens", "16384"]
    if before.sequences is None:
        return flags, said("high_throughput")
    flags = ["--max-num-seqs", str(before.sequences * 4), *flags]
    return flags, said("high_throughput_more")


TUNINGS: dict[str, Tuning] = {
    tuning.name: tuning
    for tuning in (
        Tuning("appliance", _appliance, slots=16),
        Tuning("long-context", _long_context, slots=1),
        Tuning("low-latency", _low_latency, slots=1),
        Tuning("high-throughput", _high_throughput, slots=8),
    )
}
