"""The request for a plan, and what is the same in every engine's plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import EngineFacts, Model, Recipe, Variant, catalog, find_engine
from engine.machine.vendors import CPU
from engine.plans.launch import ForbiddenError
from engine.plans.target import Target


@dataclass(frozen=True)
class Place:
    """Where the engine runs: its port, and the folders as its command line names them."""

    port: int
    root: Path
    """The project's folder."""
    uploads: Path
    """The only folder whose files the engine may read."""
    python: Path | None = None
    """The program that starts the engine; None: the engine's own command, on the PATH."""
    here: bool = False
    """Whether it is this machine, where the supervisor provides engine and weights before the launch."""
    traces: str | None = None
    """Where the engine sends OpenTelemetry traces; None: nowhere."""


MANY_NODES = """# On every node; NCCL_SOCKET_IFNAME and GLOO_SOCKET_IFNAME name the network interface that joins them
getent hosts {head}  # must be the address of the first node; see /etc/hosts
export GLOO_SOCKET_IFNAME="$NCCL_SOCKET_IFNAME"
"""
ELSEWHERE = Place(8000, Path(), Path("workspace/uploads"))
"""Another machine, in a copy of the project's folder."""


@dataclass(frozen=True)
class Request:
    """One model on one kind of machine."""

    model: Model
    target: Target
    place: Place = ELSEWHERE
    tuning: str = ""
    """The name of the tuning; empty: none."""
    extra: tuple[str, ...] = ()
    """Further engine flags, which override ours."""
    wanted: str = ""
    """What `KIMI_MODEL` says: a name or a folder; empty: the model's name."""

    def facts(self, engine: str) -> EngineFacts:
        """What the catalogue knows about the engine on this machine.

        Raises:
            ForbiddenError: nothing, or the engine can't run this model.
        """
        facts = find_engine(engine, self.target.vendor, self.target.generation)
        if engine not in self.model.engines:
            can = " and ".join(self.model.engines)
            raise ForbiddenError(f"{self.model.name} does not run on {engine}; it runs on {can}.")
        if facts is None:
            raise ForbiddenError(
                f"We know of no one who has run {engine} on {self.target}: choose another --engine or --accelerator."
            )
        return facts

    def recipes(self, engine: str, variant: Variant | None) -> list[Recipe]:
        """What this combination adds to the launch."""
        return [
            recipe
            for recipe in catalog().recipes
            if recipe.concerns(engine, self.model.name, self.target.generation)
            and recipe.vendor == self.target.vendor
            and recipe.variant in {"", variant.name if variant else ""}
            and recipe.tuning in {"", self.tuning}
        ]

    def advice(self, engine: str) -> tuple[str, ...]:
        """Known symptoms and what to do."""
        return tuple(
            f"{entry.symptom}: {entry.advice}"
            for entry in catalog().troubleshooting
            if entry.concerns(engine, self.model.name, self.target.generation)
        )

    def standing(self, engine: str, devices: int, variant: Variant | None = None) -> str:
        """A sentence that says whether, and by whom, this combination was shown to work."""
        if variant is not None and not variant.established:
            return (
                f"Untested: {variant.name}, without the {self.model.memory_gb:g} GB that {self.model.precision} needs; "
                f"we know of no one who has run {self.model.name} with it ({variant.source})."
            )
        if shown := self.target.established(engine, self.model, devices):
            return f"Shown to work: {shown.source}"
        where = f"{devices} x {self.target.name}" if devices > 1 else self.target.name
        return f"Not established: we know of no one who has run {self.model.name} on {engine} and {where}."


@dataclass(frozen=True)
class Split:
    """How a model is spread: tensor parallel within a machine, pipeline parallel across machines."""

    tensor: int
    pipeline: int
    reason: str


def split_over(model: Model, target: Target, needed_gb: float | None) -> Split:
    """The devices that hold the model.

    Raises:
        ForbiddenError: they have less memory than it needs.
    """
    if needed_gb is None or target.usable_gb is None:
        return Split(1, target.nodes, f"The memory of {target.name} is unknown; {model.name} is put on one device.")
    if target.usable_gb >= needed_gb and target.nodes == 1:
        idle = f" The other {target.count - 1} stay idle." if target.count > 1 else ""
        return Split(1, 1, f"One device is enough: {needed_gb:g} GB needed, {target.usable_gb:.0f} GB there.{idle}")
    tensor = max(n for n in range(1, target.count + 1) if (model.attention_heads or 1) % n == 0)
    have = tensor * target.nodes * target.usable_gb
    if have < needed_gb and target.vendor == CPU:
        raise ForbiddenError(
            f"{model.name} needs {needed_gb:.0f} GB of RAM on a CPU and there are {have:.0f} GB; "
            "./start.sh plan --accelerator NAME shows what it needs elsewhere."
        )
    if have < needed_gb:
        raise ForbiddenError(
            f"{model.name} needs {needed_gb:g} GB of memory and {target} have {have:.0f} GB"
            f"{' free' if target.free_gb is not None else ''}; take more or larger devices (--count, --accelerator)."
        )
    over = f"{tensor} devices" + (f" on each of {target.nodes} nodes" if target.nodes > 1 else "")
    return Split(tensor, target.nodes, f"Spread over {over}: {needed_gb:g} GB needed, {have:.0f} GB there.")


def question(model: str, port: int, key_env: str) -> str:
    """Shell lines that ask the engine one question."""
    key = f'-H "Authorization: Bearer ${key_env}" ' if key_env else ""
    body = {"model": model, "messages": [{"role": "user", "content": "Who are you?"}], "max_tokens": 512}
    return "\n".join(
        (
            "# Verify that the engine is ready and answers",
            f"curl --fail --retry 60 --retry-delay 10 --retry-connrefused http://127.0.0.1:{port}/health",
            f'curl --fail --max-time 3600 {key}-H "Content-Type: application/json" \\',
            f"  -d '{json.dumps(body)}' http://127.0.0.1:{port}/v1/chat/completions",
        )
    )
