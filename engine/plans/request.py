"""The request for a plan, and what is the same in every engine's plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import Draft, EngineFacts, Model, Parsers, Recipe, Variant, catalog, find_engine
from engine.machine.cards import is_card
from engine.machine.vendors import CPU, VENDORS
from engine.plans.launch import ForbiddenError
from engine.plans.page import KEY_FILE
from engine.plans.target import Target
from engine.wording import Said, both, said


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
            raise ForbiddenError(said("no_engine", model=self.model.name, engine=engine, can=can))
        if facts is None:
            raise ForbiddenError(said("no_facts", engine=engine, target=self.target))
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
        where = {"engine": engine, "name": self.target.name}
        raise ForbiddenError(said("no_form", model=self.model.name, form=self.variant, known=known, **where))

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
        raise ForbiddenError(said("no_draft", model=self.model.name, engine=engine, name=self.target.name))

    def why_draft(self, engine: str) -> str:
        """A sentence on the draft model; empty: there is none."""
        draft = self.draft(engine)
        return said("draft", draft=draft.model, source=draft.source) if draft else ""

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
            both(f"{entry.symptom}: {entry.advice}", f"{entry.symptom_zh}：{entry.advice_zh}")
            for entry in catalog().troubleshooting
            if entry.concerns(engine, self.model.name, self.target.generation)
        )

    def standing(self, engine: str, devices: int, variant: Variant | None = None) -> str:
        """A sentence that says whether, and by whom, this combination was shown to work."""
        if variant is not None and not variant.established:
            facts = {"model": self.model.name, "gb": self.model.memory_gb, "precision": self.model.precision}
            return said("untested", form=variant.name, source=variant.source, **facts)
        shown = self.target.established(engine, self.model, devices)
        where = f"{devices} x {self.target.name}" if devices > 1 else self.target.name
        if shown and shown.unnamed:
            return said("unnamed", where=where, source=shown.source, engine=engine)
        if shown:
            return said("experimental" if shown.experimental else "shown", source=shown.source)
        return said("unknown", model=self.model.name, engine=engine, where=where)


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
        reason = said("memory_unknown", name=target.name, model=model.name)
        return Split(1, 1, target.nodes, reason)
    if target.usable_gb >= needed_gb and target.nodes == 1:
        key = "one_device_idle" if target.count > 1 else "one_device"
        reason = said(key, needed=needed_gb, there=target.usable_gb, idle=target.count - 1)
        return Split(1, 1, 1, reason)
    most = min([target.count, *(recipe.tensor for recipe in recipes if recipe.tensor)])
    tensor = max(n for n in range(1, most + 1) if not model.attention_heads or model.attention_heads % n == 0)
    groups = max((recipe.groups for recipe in recipes), default=1)
    have = tensor * groups * target.nodes * target.usable_gb
    if have < needed_gb or tensor * groups > target.count:
        raise ForbiddenError(_too_small(model, target, needed_gb, min(tensor * groups, target.count)))
    reason = _spread(target, tensor, groups, needed_gb, have)
    return Split(tensor, groups, target.nodes, reason)


def _spread(target: Target, tensor: int, groups: int, needed_gb: float, have: float) -> Said:
    nodes, idle = target.nodes, target.count - tensor * groups
    english = f"{tensor} devices" if groups == 1 else f"{groups} groups of {tensor} devices"
    english += f" on each of {nodes} nodes" if nodes > 1 else ""
    english = f"Spread over {english}: {needed_gb:g} GB needed, {have:.0f} GB there."
    chinese = f"{tensor} 张卡" if groups == 1 else f"{groups} 组、每组 {tensor} 张卡"
    chinese = f"{nodes} 个节点，每个节点 {chinese}" if nodes > 1 else chinese
    chinese = f"分布在{chinese}上：需要 {needed_gb:g} GB，有 {have:.0f} GB。"
    if idle > 0:
        return both(f"{english} The other {idle} stay idle.", f"{chinese}其余 {idle} 张闲置。")
    return both(english, chinese)


def _too_small(model: Model, target: Target, needed_gb: float, used: int) -> str:
    have = used * target.nodes * (target.usable_gb or 0)
    if target.vendor == CPU:
        return said("too_small_cpu", model=model.name, needed=needed_gb, have=have)
    key = "too_small" if target.free_gb is None else "too_small_free"
    return said(key, model=model.name, needed=needed_gb, target=target, have=have)


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
