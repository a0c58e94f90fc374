"""The machine that a plan is for: this one, as detected, or another one, by its names."""

from __future__ import annotations

from dataclasses import dataclass

from engine.catalog import Card, Established, Model, Variant, catalog
from engine.machine.cards import is_card
from engine.machine.detect import Hardware
from engine.machine.vendor import Accelerator
from engine.machine.vendors import CPU, VENDORS

GB = 10**9


@dataclass(frozen=True)
class Target:
    """`count` equal devices on each of `nodes` machines. Memory in GB of 10^9 bytes; None: unknown."""

    vendor: str
    """A name among `VENDORS`, or `CPU`."""
    name: str
    generation: str = ""
    memory_gb: float | None = None
    """Of one device; of the machine itself where the vendor is `cpu`."""
    free_gb: float | None = None
    """How much of it is free now; None: unknown, or another machine."""
    count: int = 1
    nodes: int = 1
    ram_gb: float | None = None
    """RAM of the machine, for an engine that keeps there what its devices have no room for; None: unknown."""

    @property
    def usable_gb(self) -> float | None:
        """Memory of one device that a launch can count on."""
        return self.memory_gb if self.free_gb is None else self.free_gb

    @property
    def total_gb(self) -> float | None:
        """Memory of all devices together."""
        return None if self.usable_gb is None else self.usable_gb * self.count * self.nodes

    def __str__(self) -> str:
        if self.vendor == CPU:
            return "CPU" if self.memory_gb is None else f"CPU with {self.memory_gb:.0f} GB of RAM"
        nodes = f" on each of {self.nodes} nodes" if self.nodes > 1 else ""
        return f"{self.count} x {self.name}{nodes}"

    def capability(self) -> float | None:
        """NVIDIA's compute capability."""
        vendor = VENDORS.get(self.vendor)
        return float(self.generation) if vendor and vendor.compute_capability and self.generation else None

    def fits(self, variant: Variant) -> bool:
        """Whether the variant runs on this kind of device, memory aside."""
        capability = self.capability()
        if variant.vendors and self.vendor not in variant.vendors:
            return False
        if variant.cards and not is_card(self.name, variant.cards):
            return False
        if variant.min_capability is not None and (capability is None or capability < variant.min_capability):
            return False
        return variant.max_capability is None or (capability is not None and capability <= variant.max_capability)

    def established(self, engine: str, model: Model, devices: int) -> Established | None:
        """The evidence that this model works on this engine and this many of these devices; None: there is none."""
        names = {self.name, self.generation, self.vendor}
        for entry in catalog().established:
            few_enough = entry.devices is None or devices <= entry.devices
            if entry.concerns(engine, model.name, self.generation) and names & set(entry.accelerators) and few_enough:
                return entry
        return None


def from_card(card: Card, count: int, memory_gb: float | None, nodes: int) -> Target:
    """Another machine, from the catalogue's entry of its devices."""
    return Target(card.vendor, card.name, card.generation, memory_gb or card.memory_gb, count=count, nodes=nodes)


def from_hardware(hardware: Hardware) -> tuple[Target, ...]:
    """This machine's kinds of devices, the largest first, the CPU last."""
    kinds: dict[tuple[str, str], list[Accelerator]] = {}
    for device in hardware.accelerators:
        kinds.setdefault((device.vendor, device.name), []).append(device)
    targets = [_alike(devices) for devices in kinds.values()]
    targets.sort(key=lambda target: -(target.total_gb or 0))
    cpu = Target(CPU, "CPU", memory_gb=None if hardware.memory is None else hardware.memory / GB)
    return (*targets, cpu)


def _alike(devices: list[Accelerator]) -> Target:
    first = devices[0]
    # The fullest device decides: an evenly spread model fails on the first one without room.
    memory = [device.memory for device in devices if device.memory is not None]
    free = [device.free for device in devices if device.free is not None]
    return Target(
        vendor=first.vendor,
        name=first.name,
        generation=VENDORS[first.vendor].family(first.generation or ""),
        memory_gb=min(memory) / GB if memory else None,
        free_gb=min(free) / GB if free else None,
        count=len(devices),
    )
