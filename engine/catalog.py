"""The catalogue of models, typed. The facts themselves stand in `catalog.toml`."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class UnknownModelError(Exception):
    """No model of this name in the catalogue; the text lists the known ones."""


class Model(BaseModel):
    """One model and its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    repository: str = ""
    aliases: tuple[str, ...] = ()
    engines: tuple[str, ...]
    licence: str
    source: str
    weights_gb: float | None = None
    context: int
    """Prompt and answer together, in tokens."""
    max_tokens: int
    """The default limit of one answer, reasoning included, in tokens."""
    temperature: float
    top_p: float
    sampling: bool = True
    """Whether temperature and top-p change anything."""
    pictures_per_prompt: int
    picture_pixels: int
    """A larger picture is scaled down to this many pixels before it is sent."""
    picture_side: int
    """No side may be longer, in pixels."""
    thinking_marks: tuple[str, str] | None = None
    """The marks around reasoning that the model writes as ordinary text."""


@cache
def models() -> dict[str, Model]:
    """All models by their names."""
    with Path(__file__).with_name("catalog.toml").open("rb") as file:
        entries = tomllib.load(file)["models"]
    return {name: Model(name=name, **entry) for name, entry in entries.items()}


def find_model(name: str) -> Model:
    """The model called `name`, by any of its names, with or without `moonshotai/`, in any case.

    Raises:
        UnknownModelError: there is none.
    """
    wanted = name.lower()
    for model in models().values():
        if wanted in {known.lower() for known in (model.name, model.repository, *model.aliases)}:
            return model
    raise UnknownModelError(f"There is no model {name!r} in the catalogue; known are {', '.join(models())}.")
