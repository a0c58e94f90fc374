"""How many layers of a GGUF go to a GPU without room for all; the processor runs the others, in RAM."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog import Model, Variant
from engine.machine.vendors import CPU
from engine.plans.launch import ForbiddenError
from engine.plans.target import GB, Target

BUFFERS_GB = 1.0
"""What llama.cpp works in on each GPU (ours)."""
FREE_GB = 0.5
"""What each GPU keeps for the screen and everything else (ours)."""
RAM_GB = 2.0
"""What llama.cpp and the page take in RAM beside layers (ours)."""


@dataclass(frozen=True)
class Placement:
    """Where the layers are. The output counts as one more, as llama.cpp counts it."""

    on_gpu: int
    of: int
    ram_gb: float
    """RAM that the layers which stay there take, and everything else beside them."""
    reason: str


def place(model: Model, gguf: Variant, target: Target) -> Placement | None:
    """As many layers on the GPUs as fit; None: the model is planned for the processor alone.

    Raises:
        ForbiddenError: the GPUs have no room for one layer, or the RAM none for the others.
    """
    if target.vendor == CPU or target.usable_gb is None or gguf.layers is None:
        return None
    encoder = gguf.mmproj_file.bytes / GB if gguf.mmproj_file else 0.0
    weights = gguf.model_file.bytes / GB if gguf.model_file else model.weights_gb or 0.0
    cache = (gguf.context or 0) * (model.kv_bytes_per_token or 0) / GB
    units = gguf.layers + 1
    each = (weights + cache) / units
    room = target.count * (target.usable_gb - BUFFERS_GB - FREE_GB) - encoder
    on_gpu = min(units, int(room / each)) if room > 0 else 0
    if on_gpu == 0:
        raise ForbiddenError(
            f"{target} has no room for a layer of {model.name}: {encoder:.1f} GB for its picture encoder and "
            f"{BUFFERS_GB + FREE_GB:g} GB on each GPU come first."
        )
    ram = (units - on_gpu) * each + RAM_GB
    if target.ram_gb is not None and target.ram_gb < ram:
        raise ForbiddenError(
            f"{on_gpu} of {units} layers of {model.name} fit on {target}; the others need {ram:.1f} GB of RAM, "
            f"and there are {target.ram_gb:.0f} GB."
        )
    taken = (
        f"{each:.2f} GB for each with its part of the cache, {encoder:.1f} GB for the picture encoder, "
        f"{BUFFERS_GB:g} GB on each GPU for work, {FREE_GB:g} GB free"
    )
    where = f"{on_gpu} of {units} layers, the output counted as one, go to {_words(target)}: {taken}."
    if on_gpu < units:
        where += (
            f" The other {units - on_gpu} stay in RAM, of which {ram:.1f} GB are taken. Nobody has told us of such a "
            "split yet: ./start.sh prove and ./start.sh verify show what it does."
        )
    return Placement(on_gpu, units, ram, where)


def _words(target: Target) -> str:
    size = f"{target.usable_gb:.1f} GB{' free' if target.free_gb is not None else ''}"
    return f"{target.count} GPUs with {size} each" if target.count > 1 else f"a GPU with {size}"
