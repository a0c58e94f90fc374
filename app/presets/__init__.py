"""Presets: ways to begin a chat, each with its settings, question and starters, from TOML files.

Ours are in this folder; the owner's are `*.toml` in the workspace's `presets`, which override ours of the same name.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from app.i18n import LANGUAGES, Language
from app.talk.settings import ChatSettings

DEFAULT = "chat"
"""The preset of a user who has chosen none."""
_OURS = Path(__file__).parent
_ICONS = _OURS.parent.parent / "public" / "starters"
_SAMPLES = _OURS / "samples"
_SETTINGS = {field.name for field in fields(ChatSettings)}
_log = logging.getLogger("app.presets")


def _in_all_languages(value: object) -> object:
    """Uses a text in one language for all languages."""
    if isinstance(value, str):
        return dict.fromkeys(LANGUAGES, value)
    if isinstance(value, dict) and value:
        return {language: value.get(language, next(iter(value.values()))) for language in LANGUAGES}
    return value


Words = Annotated[dict[Language, str], BeforeValidator(_in_all_languages)]
"""A text by language; a file may have a plain one, or leave a language out."""


def _is_drawn(name: str) -> str:
    icons = sorted(path.stem for path in _ICONS.iterdir())
    if name and name not in icons:
        raise ValueError(f"there is no such icon; choose one of {', '.join(icons)}")
    return name


Icon = Annotated[str, AfterValidator(_is_drawn)]
"""One of the pictures in `public/starters`, without its extension; empty means none."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PresetStarter(_Strict):
    """A button of an empty chat: its label, its question, and the sample picture it attaches."""

    label: Words
    message: Words
    icon: Icon = ""
    """Empty means the preset's."""
    picture: str = ""
    """The name of one of our samples."""

    @field_validator("picture")
    @classmethod
    def _is_there(cls, name: str) -> str:
        if name and name not in {path.name for path in _SAMPLES.iterdir()}:
            raise ValueError("there is no such sample")
        return name


class Preset(_Strict):
    """The content of a preset's file."""

    order: int = 1000
    """The position in the list, lowest first."""
    name: Words
    description: Words = Field(default_factory=lambda: dict.fromkeys(LANGUAGES, ""))
    icon: Icon = ""
    needs_model: bool = False
    """Whether the reader, which only reads text, can't do it."""
    question: Words = Field(default_factory=lambda: dict.fromkeys(LANGUAGES, ""))
    """The question for a picture that is sent without text."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Fields of `ChatSettings`, as the panel would send them."""
    starters: list[PresetStarter] = Field(default_factory=list)

    @field_validator("settings")
    @classmethod
    def _are_known(cls, settings: dict[str, Any]) -> dict[str, Any]:
        if unknown := sorted(settings.keys() - _SETTINGS):
            raise ValueError(f"unknown: {', '.join(unknown)}; known are {', '.join(sorted(_SETTINGS))}")
        return settings


class Presets:
    """All presets, reloaded when their files change."""

    def __init__(self, own: Path) -> None:
        self._own = own
        self._stamp: object = None
        self._presets: dict[str, Preset] = {}

    def all(self) -> Mapping[str, Preset]:
        """The presets by name, in order. An invalid file is logged and left out."""
        found = sorted(_OURS.glob("*.toml")) + (sorted(self._own.glob("*.toml")) if self._own.is_dir() else [])
        stamp = [(path, path.stat().st_mtime_ns) for path in found]
        if stamp != self._stamp:
            read = {path.stem: preset for path in found if (preset := _read(path))}
            self._presets = dict(sorted(read.items(), key=lambda item: (item[1].order, item[0])))
            self._stamp = stamp
        return self._presets

    def find(self, name: str | None) -> Preset:
        """The preset with this name, or else the default."""
        presets = self.all()
        return presets.get(name or DEFAULT) or presets[DEFAULT]

    def sample(self, question: str) -> Path | None:
        """The picture that belongs to a starter's question; None for any other question."""
        for preset in self.all().values():
            for starter in preset.starters:
                if starter.picture and question in starter.message.values():
                    return _SAMPLES / starter.picture
        return None


def _read(path: Path) -> Preset | None:
    try:
        return Preset.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place, reason = ".".join(map(str, first["loc"])), first["msg"]
        _log.warning("the preset %s is left out: %s: %s", path, place, reason)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        _log.warning("the preset %s is left out: %s", path, error)
    return None
