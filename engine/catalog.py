"""The typed catalogue of models, accelerators and engines. The facts themselves are in `catalog.toml`.

Memory is in GB of 10^9 bytes. A fact that is not established is None or absent, never guessed.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EngineName = str
"""A name among `ENGINES` (engine/engines/registry.py)."""
Vendor = str
"""A name among `VENDORS` (engine/machine/vendors.py), or `cpu`."""


class UnknownNameError(Exception):
    """The catalogue has no entry with this name; the text lists the known ones."""


class UnknownModelError(UnknownNameError):
    """The catalogue has no model with this name; the text lists the known ones."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    """The source of the facts in this entry."""


class Parsers(BaseModel):
    """The engine's names of the parsers that split a model's output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reasoning: str = ""
    tools: str = ""


class Instant(BaseModel):
    """How to make a model that thinks answer at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float | None = None
    """The temperature without thinking; None: the same."""
    top_p: float | None = None
    """The top-p without thinking; None: the same."""
    chat_template_kwargs: dict[str, bool] = {}
    prefill: str = ""
    """The beginning of the answer, sent for the model to continue, if it has no switch."""


class Published(_Entry):
    """A figure that the maker of the model, or of an engine, has published for it."""

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
    """Another form of the model: quantized at the start, or with other weights."""

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
    """NVIDIA's compute capability; both limits are inclusive."""
    devices: int | None = None
    """The number of devices for which it is published."""
    context: int | None = None
    layers: int | None = None
    """How many a GGUF has beside the output: what a GPU has no room for stays in RAM."""
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
    """Further names under which an engine serves it, for clients that use them."""
    engines: tuple[EngineName, ...]
    licence: str
    weights_gb: float | None = None
    memory_gb: float | None = None
    """The memory of all devices together that it needs at least."""
    comfortable_gb: float | None = None
    """The memory of one device that is enough for the whole context."""
    precision: str = ""
    attention_heads: int | None = None
    """Must be divisible by the tensor parallel size."""
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
    """The reasoning tags, if the model writes them as ordinary text."""
    instant: Instant | None = None
    """How to get an answer without thinking; None: it always thinks, or never does."""
    sequences: int | None = None
    """The number of concurrent requests in the published launch."""
    shards: int | None = None
    """How many `model-*.safetensors` its repository has; None: not known here."""
    model_type: str = ""
    """Its `model_type` in `config.json`; empty: a folder of it is recognised only by the folder's name."""
    in_token_limit: int | None = None
    """The picture limit in `preprocessor_config.json`, which distinguishes releases of the same type."""
    local: str = ""
    """The folder of its weights, if they are part of this project."""
    tiny: bool = False
    """Whether the checkpoint has only a few megabytes: one CPU thread serves it best, whatever the machine has."""
    kv_cache_mb: int | None = None
    """The KV cache that is enough for it on a CPU, in MiB; None: what memory allows."""
    stand_in: str = ""
    """The model that replaces it on a machine too small for it."""
    parsers: dict[EngineName, Parsers] = {}
    flags: dict[EngineName, tuple[str, ...]] = {}
    min_versions: dict[EngineName, str] = {}
    variants: tuple[Variant, ...] = ()
    drafts: tuple[Draft, ...] = ()
    generation: dict[str, float] = {}
    """Sampling that the engine uses where a program sends none; empty: what the weights' own files say."""
    published: tuple[Published, ...] = ()

    def variant(self, name: str) -> Variant | None:
        """Its variant with this name; None if there is none."""
        return next((variant for variant in self.variants if variant.name == name), None)


class Card(_Entry):
    """One kind of accelerator."""

    name: str
    vendor: Vendor
    generation: str = ""
    """NVIDIA: the compute capability; AMD: the target; Ascend: A2 or A3."""
    memory_gb: float | None = None
    node: int
    """How many of them a usual machine has, for a model that needs a whole machine."""
    aliases: tuple[str, ...] = ()


class EngineFacts(_Entry):
    """An engine on one kind of accelerator: how to install it, by hand or as a container."""

    engine: EngineName
    vendor: Vendor
    generation: str = ""
    title: str
    version: str
    """The version that these facts describe."""
    image: str = ""
    container: tuple[str, ...] = ()
    """What `docker run` needs for the devices and the driver."""
    device: str = ""
    """The path of each device's file, with `{index}`; empty: there are no such files."""
    install: tuple[str, ...] = ()


class _Combination(_Entry):
    engine: EngineName
    models: tuple[str, ...] = ()
    generations: tuple[str, ...] = ()

    def concerns(self, engine: str, model: str, generation: str) -> bool:
        """Whether it applies to this combination; an empty field matches everything."""
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
    """With `{tensor}` for the number of devices that share each layer."""
    env: dict[str, str] = {}
    prepare: Literal["", "moe-targets"] = ""
    """How a copy of the weights is prepared first."""
    why: str
    why_zh: str


class Established(_Combination):
    """A combination that was shown to work."""

    accelerators: tuple[str, ...]
    """Names of cards, generations, or a vendor."""
    devices: int | None = None
    """With how many at most; None: with as many as the model takes."""
    experimental: bool = False
    """Whether the source calls it experimental."""
    unnamed: bool = False
    """Whether the source does not name the devices: then it is established for none of them."""


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
    symptom_zh: str
    advice: str
    advice_zh: str


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
    wanted = plain(name).removeprefix("moonshotai/")
    for model in models().values():
        if wanted in {plain(known) for known in (model.name, model.repository, *model.aliases)}:
            return model
    raise UnknownModelError(f"There is no model {name!r} in the catalogue; known are {', '.join(models())}.")


def calls_tools(model: str, engine: EngineName, *, remote: bool) -> bool:
    """Whether this model is known to call tools on this engine.

    On a server of the user's own (`remote`) it is enough that the model can; of an unknown model there, nothing speaks
    against it.
    """
    try:
        parsers = find_model(model).parsers
    except UnknownModelError:
        return remote
    return any(parser.tools for name, parser in parsers.items() if remote or name == engine)


def assumed_model(name: str, title: str = "", context: int | None = None) -> Model:
    """A model that is not in the catalogue, with the facts of the plainest one."""
    facts = {"name": name, "title": title or name, "context": context or 32768}
    return find_model("Kimi-VL-A3B-Instruct").model_copy(update=facts)


def find_engine(engine: str, vendor: str, generation: str) -> EngineFacts | None:
    """What is known about the engine on this kind of accelerator; None: nothing."""
    for facts in catalog().engines:
        if (facts.engine, facts.vendor) == (engine, vendor) and facts.generation in {"", generation}:
            return facts
    return None


def plain(name: str) -> str:
    """The name in lower case, without spaces, hyphens and underscores."""
    return re.sub(r"[\s_-]", "", name).lower()
