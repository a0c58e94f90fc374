"""The request for a plan, and what is the same in every engine's plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import Draft, EngineFacts, Model, Parsers, Recipe, Variant, catalog, find_engine, is_card
from engine.machine.vendors import CPU, VENDORS
from engine.plans.launch import ForbiddenError
from engine.plans.page import KEY_FILE
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
    """Whether it is this machine, where the supervisor sees to engine and weights before the launch."""
    models: Path = Path("models")
    """Where weights are kept."""
    cores: int | None = None
    """Its processor's cores, each counted once however many threads it has; None: unknown."""
    traces: str | None = None
    """Where the engine sends OpenTelemetry traces; None: nowhere."""


PARSED = {"thoughts": "reasoning", "tools": "tools"}
"""What an engine can take out of a model's text, and the kind of parser that does."""
ELSEWHERE = Place(8000, Path(), Path("workspace/uploads"))
"""Another machine, in a copy of the project's folder."""


@dataclass(frozen=True)
class Request:
    """One model on one kind of machine."""

    model: Model
    target: Target
    place: Place = ELSEWHERE
    tuning: str = ""
    """The purpose that the launch is tuned for, by its name; empty: none."""
    variant: str = ""
    """The form of the model by its name; empty: what fits the devices best."""
    speculative: bool = False
    """Whether a draft model is to propose tokens."""
    without: tuple[str, ...] = ()
    """What stays in the text, of `PARSED`."""
    extra: tuple[str, ...] = ()
    """Further engine flags, which override ours."""
    wanted: str = ""
    """What `KIMI_MODEL` says: a name or a folder; empty: the model's name."""
    picture_tokens: int = 1024
    """How many tokens a picture may take, where that is a choice."""

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

    def form(self, engine: str) -> Variant | None:
        """The form of the model that the engine serves; None: as it was published.

        Raises:
            ForbiddenError: there is no such form, or not for these devices.
        """
        forms = [form for form in self.model.variants if form.engine == engine]
        if not self.variant:
            return choose_variant(engine, self.model, self.target)
        named = next((form for form in forms if form.name == self.variant), None)
        if named and self.target.fits(named):
            return named
        known = ", ".join(form.name for form in forms if self.target.fits(form)) or "none"
        raise ForbiddenError(
            f"{self.model.name} has no form {self.variant!r} for {engine} on {self.target.name}; there is: {known}."
        )

    def draft(self, engine: str) -> Draft | None:
        """The draft model that is asked for; None: none is.

        Raises:
            ForbiddenError: none is known for this combination.
        """
        if not self.speculative:
            return None
        for draft in self.model.drafts:
            if draft.engine == engine and (not draft.vendors or self.target.vendor in draft.vendors):
                return draft
        raise ForbiddenError(
            f"No draft model is known for {self.model.name} on {engine}, {self.target.name}: leave out --speculative."
        )

    def why_draft(self, engine: str) -> str:
        """A sentence on the draft model; empty: there is none."""
        draft = self.draft(engine)
        return (
            f"--speculative: {draft.model} proposes tokens, and the model checks them ({draft.source})."
            if draft
            else ""
        )

    def parsers(self, engine: str) -> Parsers:
        """The engine's parsers for this model; an empty name: none."""
        known = self.model.parsers.get(engine, Parsers())
        return known.model_copy(update={PARSED[part]: "" for part in self.without})

    def recipes(self, engine: str, variant: Variant | None) -> list[Recipe]:
        """What this combination adds to the launch."""
        return [
            recipe
            for recipe in catalog().recipes
            if recipe.concerns(engine, self.model.name, self.target.generation)
            and recipe.vendor == self.target.vendor
            and (not recipe.cards or is_card(self.target.name, recipe.cards))
            and recipe.variant in {"", variant.name if variant else ""}
            and not (variant and variant.name in recipe.not_variants)
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
        shown = self.target.established(engine, self.model, devices)
        where = f"{devices} x {self.target.name}" if devices > 1 else self.target.name
        if shown and shown.unnamed:
            return f"Not established on {where}: {shown.source} shows it on {engine}, but does not name the devices."
        if shown:
            return f"{'Listed as experimental' if shown.experimental else 'Shown to work'}: {shown.source}"
        return f"Not established: we know of no one who has run {self.model.name} on {engine} and {where}."


def choose_variant(engine: str, model: Model, target: Target) -> Variant | None:
    """The form of the model for these devices; None: as it was published.

    A form that vendors show with a number of devices is taken where the devices are of its kind; a smaller one only
    where the published one has no room.
    """
    native_fits = model.memory_gb is None or target.total_gb is None or target.total_gb >= model.memory_gb
    for variant in model.variants:
        if variant.engine != engine or not target.fits(variant):
            continue
        has_room = target.total_gb is None or target.total_gb >= variant.memory_gb
        if has_room and (variant.devices is not None or not native_fits):
            return variant
    return None


@dataclass(frozen=True)
class Split:
    """How a model is spread: tensor parallel within a group of devices, pipeline or data parallel over the rest."""

    tensor: int
    groups: int
    """Groups on each machine; more than one take different requests, and their experts are spread over all."""
    nodes: int
    reason: str

    def flags(self, recipe: Recipe) -> list[str]:
        """The recipe's flags for this many devices."""
        return [flag.replace("{tensor}", str(self.tensor)) for flag in recipe.flags]

    @property
    def devices(self) -> int:
        """How many devices of one machine work."""
        return self.tensor * self.groups


def split_over(model: Model, target: Target, needed_gb: float | None, recipes: Sequence[Recipe] = ()) -> Split:
    """The devices that hold the model.

    Raises:
        ForbiddenError: they have less memory than it needs.
    """
    if needed_gb is None or target.usable_gb is None:
        reason = f"The memory of {target.name} is unknown; {model.name} is put on one device."
        return Split(1, 1, target.nodes, reason)
    if target.usable_gb >= needed_gb and target.nodes == 1:
        reason = f"One device is enough: {needed_gb:g} GB needed, {target.usable_gb:.0f} GB there."
        return Split(1, 1, 1, reason + _idle(target, 1))
    most = min([target.count, *(recipe.tensor for recipe in recipes if recipe.tensor)])
    tensor = max(n for n in range(1, most + 1) if not model.attention_heads or model.attention_heads % n == 0)
    groups = max((recipe.groups for recipe in recipes), default=1)
    have = tensor * groups * target.nodes * target.usable_gb
    if have < needed_gb or tensor * groups > target.count:
        raise ForbiddenError(_too_small(model, target, needed_gb, min(tensor * groups, target.count)))
    over = f"{tensor} devices" if groups == 1 else f"{groups} groups of {tensor} devices"
    over += f" on each of {target.nodes} nodes" if target.nodes > 1 else ""
    reason = f"Spread over {over}: {needed_gb:g} GB needed, {have:.0f} GB there."
    return Split(tensor, groups, target.nodes, reason + _idle(target, tensor * groups))


def _idle(target: Target, used: int) -> str:
    return f" The other {target.count - used} stay idle." if target.count > used else ""


def _too_small(model: Model, target: Target, needed_gb: float, used: int) -> str:
    have = used * target.nodes * (target.usable_gb or 0)
    if target.vendor == CPU:
        return (
            f"{model.name} needs {needed_gb:.0f} GB of RAM on a CPU and there are {have:.0f} GB; "
            "./start.sh plan --accelerator NAME shows what it needs elsewhere."
        )
    return (
        f"{model.name} needs {needed_gb:g} GB of memory and {target} have {have:.0f} GB"
        f"{' free' if target.free_gb is not None else ''}; take more or larger devices (--count, --accelerator)."
    )


def joining(vendor: str, head: str) -> str:
    """Shell lines that every one of several nodes runs first: which network joins them, and who is the first."""
    interface = VENDORS[vendor].network_interface
    return "\n".join(
        (
            f"# On every node, {interface} being the network interface that joins them",
            f"getent hosts {head}  # must be the address of the first node; see /etc/hosts",
            *VENDORS[vendor].network,
        )
    )


def verification(model: str, port: int, key_env: str) -> str:
    """Shell lines that wait for the engine and check what it does; they end with 1 where something is wrong."""
    key = f" --key-file {KEY_FILE}" if key_env else ""
    return "\n".join(
        (
            "# Verify, in another shell: ready, name served, thoughts apart, picture read, tool call parsed, tokens/s",
            f"curl --fail --retry 60 --retry-delay 10 --retry-connrefused http://127.0.0.1:{port}/health",
            f"./start.sh verify --base-url http://127.0.0.1:{port}/v1{key} --model {model}",
        )
    )


def verification_here() -> str:
    """The same for an engine that this program starts itself."""
    return "# Verify, in another shell, once it is ready\n./start.sh verify"
