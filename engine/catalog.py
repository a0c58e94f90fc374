"""The catalogue of models, accelerators and engines, typed. The facts themselves stand in `catalog.toml`.

Memory is in GB of 10^9 bytes. A fact that nobody has established is None or absent, never guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EngineName = str
"""A name among `ENGINES` (engine/engines/registry.py)."""
Vendor = str
"""A name among `VENDORS` (engine/machine/vendors.py), or `cpu`."""


class UnknownNameError(Exception):
    """The catalogue has no entry of this name; the text lists the known ones."""


class UnknownModelError(UnknownNameError):
    """No model of this name in the catalogue; the text lists the known ones."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """Where the facts of this entry come from."""


class Parsers(BaseModel):
    """The engine's own names of what splits a model's output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reasoning: str = ""
    tools: str = ""


class Instant(BaseModel):
    """How a model that thinks is asked to answer at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = None
    """Its temperature when it does not think; None: the same."""
    top_p: float | None = None
    """Its top-p then; None: the same."""
    chat_template_kwargs: dict[str, bool] = {}
    prefill: str = ""
    """The beginning of the answer that is put into its mouth, where there is no switch."""


class Published(_Entry):
    """A figure that a model's maker, or an engine's, gives for it."""

    benchmark: str
    value: float
    """OCRBench: right answers of 1,000; the others: per cent."""
    differs: str = ""
    """How it was measured, where `./start.sh eval` measures otherwise: it is then named, and not set beside ours."""


class File(BaseModel):
    """A file of a repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    bytes: int
    sha256: str
    """Hexadecimal."""


class Variant(_Entry):
    """The same model in another form: quantized at the start, or other weights."""

    name: str
    engine: EngineName
    repository: str = ""
    """Other weights than the model's own."""
    revision: str = ""
    """The commit of the repository that has the files below."""
    hub: Literal["", "modelscope"] = ""
    """Where these weights are, if it is not Hugging Face."""
    quantization: str = ""
    """What its maker calls its precision."""
    model_file: File | None = None
    """A GGUF: the decoder's file; None: it is made here, or the weights are no GGUF."""
    mmproj_file: File | None = None
    """A GGUF: the picture encoder's file."""
    picture_patches: int | None = None
    """To how many patches of 14 by 14 pixels its processor scales a picture; None: as the model's `picture_pixels`."""
    memory_gb: float
    vendors: tuple[Vendor, ...] = ()
    cards: tuple[str, ...] = ()
    """Names of cards; empty: all of these vendors."""
    min_capability: float | None = None
    max_capability: float | None = None
    """NVIDIA's compute capability, both ends included."""
    devices: int | None = None
    """How many devices it is shown with."""
    context: int | None = None
    flags: tuple[str, ...] = ()
    env: dict[str, str] = {}
    established: bool

    @property
    def files(self) -> tuple[File, ...]:
        """The files of its repository that are needed; none: all."""
        return tuple(file for file in (self.model_file, self.mmproj_file) if file is not None)


class Draft(_Entry):
    """A small model that proposes tokens, which the large one checks: speculative decoding."""

    engine: EngineName
    vendors: tuple[Vendor, ...] = ()
    """Empty: all."""
    model: str
    flags: tuple[str, ...]
    env: dict[str, str] = {}


class Model(_Entry):
    """One model and its defaults."""

    name: str
    title: str
    repository: str = ""
    aliases: tuple[str, ...] = ()
    also_served: tuple[str, ...] = ()
    """Further names under which an engine serves it, for clients that were written for them."""
    engines: tuple[EngineName, ...]
    licence: str
    weights_gb: float | None = None
    memory_gb: float | None = None
    """Memory of all devices together that it needs to be served at all."""
    comfortable_gb: float | None = None
    """Memory of one device from which the whole context fits."""
    precision: str = ""
    attention_heads: int | None = None
    """Tensor parallelism must divide them."""
    kv_bytes_per_token: int | None = None
    context: int
    """Prompt and answer together, in tokens."""
    max_tokens: int
    """The default limit of one answer, reasoning included, in tokens."""
    temperature: float
    top_p: float
    sampling: bool = True
    """Whether temperature and top-p change anything."""
    pictures_per_prompt: int
    picture_pixels: int = 802816
    """A larger picture is scaled down to this many pixels before it is sent."""
    picture_side: int = 7154
    """No side may be longer, in pixels."""
    thinking_marks: tuple[str, str] | None = None
    """The marks around reasoning that the model writes as ordinary text."""
    instant: Instant | None = None
    """How to have an answer without thinking; None: it always thinks, or never does."""
    sequences: int | None = None
    """How many requests at once the published launch takes."""
    model_type: str = ""
    """What `config.json` calls it in a folder of it; empty: a folder of it is known by its name alone."""
    in_token_limit: int | None = None
    """The picture limit in the folder's `preprocessor_config.json`, by which releases of one type are told apart."""
    local: str = ""
    """Where its weights come with this project: a folder below it."""
    tiny: bool = False
    """A checkpoint of a few megabytes: one thread of the CPU serves it best, whatever else the machine has."""
    kv_cache_mb: int | None = None
    """The KV cache that is enough for it on a CPU, in MiB; None: what memory allows."""
    stand_in: str = ""
    """The model that can answer in its place on a machine too small for it."""
    parsers: dict[EngineName, Parsers] = {}
    flags: dict[EngineName, tuple[str, ...]] = {}
    min_versions: dict[EngineName, str] = {}
    variants: tuple[Variant, ...] = ()
    drafts: tuple[Draft, ...] = ()
    generation: dict[str, float] = {}
    """Sampling that the engine uses where a program sends none; empty: what the weights' own files say."""
    published: tuple[Published, ...] = ()

    def variant(self, name: str) -> Variant | None:
        """Its variant of this name."""
        return next((variant for variant in self.variants if variant.name == name), None)


class Card(_Entry):
    """One kind of accelerator."""

    name: str
    vendor: Vendor
    generation: str = ""
    """NVIDIA: the compute capability; AMD: the target; Ascend: A2 or A3."""
    memory_gb: float | None = None
    node: int
    """How many of them a usual machine has, where a model needs a whole one."""
    aliases: tuple[str, ...] = ()


class EngineFacts(_Entry):
    """An engine on one kind of accelerator: how to install it, by hand or as a container."""

    engine: EngineName
    vendor: Vendor
    generation: str = ""
    title: str
    version: str
    """The version these facts are of."""
    image: str = ""
    container: tuple[str, ...] = ()
    """What `docker run` needs for the devices and the driver."""
    device: str = ""
    """Where each device is a file of its own: its path, with `{index}`."""
    install: tuple[str, ...] = ()
    min_python: str = ""


class _Combination(_Entry):
    engine: EngineName
    models: tuple[str, ...] = ()
    generations: tuple[str, ...] = ()

    def concerns(self, engine: str, model: str, generation: str) -> bool:
        """Whether it speaks of this combination; what it leaves open fits any."""
        return (
            self.engine == engine
            and (not self.models or model in self.models)
            and (not self.generations or generation in self.generations)
        )


class Recipe(_Combination):
    """What a combination of model and accelerator adds to the launch."""

    vendor: Vendor
    cards: tuple[str, ...] = ()
    """Names of cards; empty: all of the vendor."""
    variant: str = ""
    not_variants: tuple[str, ...] = ()
    """The forms of the model that it is not for."""
    tuning: str = ""
    tensor: int | None = None
    """Over how many devices each layer is spread at most; None: as many as there are."""
    groups: int = 1
    """How many such groups of devices a machine has, each with requests of its own (data parallel)."""
    flags: tuple[str, ...] = ()
    env: dict[str, str] = {}
    prepare: Literal["", "moe-targets"] = ""
    """What is done to a copy of the weights first."""
    why: str


class Established(_Combination):
    """A combination that somebody has shown to work."""

    accelerators: tuple[str, ...]
    """Names of cards, generations, or a vendor."""
    devices: int | None = None
    """With how many at most; None: with as many as the model takes."""
    experimental: bool = False
    """Whether the source calls it experimental."""


class Forbidden(_Entry):
    """Flags that exclude each other."""

    engine: EngineName
    when: str
    """A flag, or `flag=value`."""
    never: tuple[str, ...]
    why: str
    way_out: str


class Advice(_Combination):
    """What to do about a known symptom."""

    symptom: str
    advice: str


class Catalog(BaseModel):
    """Everything in `catalog.toml`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: dict[str, Model]
    accelerators: dict[str, Card]
    engines: tuple[EngineFacts, ...]
    recipes: tuple[Recipe, ...]
    established: tuple[Established, ...]
    forbidden: tuple[Forbidden, ...]
    troubleshooting: tuple[Advice, ...] = Field(default=())


@cache
def catalog() -> Catalog:
    """The whole catalogue, read once."""
    with Path(__file__).with_name("catalog.toml").open("rb") as file:
        raw: dict[str, Any] = tomllib.load(file)
    for kind in ("models", "accelerators"):
        raw[kind] = {name: {"name": name, **entry} for name, entry in raw[kind].items()}
    return Catalog.model_validate(raw)


def models() -> dict[str, Model]:
    """All models by their names."""
    return catalog().models


def find_model(name: str) -> Model:
    """The model called `name`, by any of its names, with or without `moonshotai/`, in any case.

    Raises:
        UnknownModelError: there is none.
    """
    wanted = _plain(name).removeprefix("moonshotai/")
    for model in models().values():
        if wanted in {_plain(known) for known in (model.name, model.repository, *model.aliases)}:
            return model
    raise UnknownModelError(f"There is no model {name!r} in the catalogue; known are {', '.join(models())}.")


def assumed_model(name: str, title: str = "", context: int | None = None) -> Model:
    """A model that nobody has entered, with the facts of the plainest one."""
    facts = {"name": name, "title": title or name, "context": context or 32768}
    return find_model("Kimi-VL-A3B-Instruct").model_copy(update=facts)


def find_card(name: str) -> Card:
    """The accelerator called `name`, in any case, with or without the maker's name, spaces and hyphens.

    Raises:
        UnknownNameError: there is none.
    """
    wanted = re.sub(r"^(nvidia|amd|instinct|huawei|ascend)+(?=.)", "", _plain(name))
    cards = catalog().accelerators
    for card in cards.values():
        if wanted in {_plain(known) for known in (card.name, *card.aliases)}:
            return card
    raise UnknownNameError(f"There is no accelerator {name!r} in the catalogue; known are {', '.join(cards)}.")


def is_card(name: str, cards: Iterable[str]) -> bool:
    """Whether the accelerator called `name` is among these entries; one that the catalogue has not is none of them."""
    try:
        return find_card(name).name in cards
    except UnknownNameError:
        return False


def find_engine(engine: str, vendor: str, generation: str) -> EngineFacts | None:
    """What is known of the engine on this kind of accelerator; None: nothing."""
    for facts in catalog().engines:
        if (facts.engine, facts.vendor) == (engine, vendor) and facts.generation in {"", generation}:
            return facts
    return None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).lower()
