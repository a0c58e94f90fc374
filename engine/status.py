"""The status in `run/status.json`: the supervisor's report on the engine and the web process, as keys with values.

It contains no sentences: `engine.wording` translates each key into every language when it is shown.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from engine.system.atomic_write import replace_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_T = TypeVar("_T", bound="DataclassInstance")
State = Literal["stopped", "starting", "ready", "stopping", "failed"]
Value = str | int | float


class Phase(StrEnum):
    """What a program is doing; `engine/locales/*.toml` has a text for each."""

    NONE = ""
    PREPARING = "preparing"
    INSTALLING = "installing"
    DOWNLOADING = "downloading"
    LOADING = "loading"
    COMPILING = "compiling"
    KV_CACHE = "kv_cache"
    CAPTURING = "capturing"
    WARMING_UP = "warming_up"
    READY = "ready"


@dataclass(frozen=True)
class Reason:
    """Why a program is in its state: the key of a sentence, and the values of its placeholders."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def of_text(cls, text: str) -> Reason:
        """A reason without a key: a sentence from another program, shown as it is."""
        return cls("text", {"text": text})


def now() -> str:
    """The current time as ISO 8601, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class EngineStatus:
    """The engine's state as users see it: what it is doing (`percent` is 0-100, if known) and the reason, if any."""

    kind: str = ""
    state: State = "stopped"
    phase: Phase = Phase.NONE
    reason: Reason | None = None
    percent: float | None = None
    pid: int | None = None
    restarts: int = 0
    since: str = field(default_factory=now)
    model: str = ""
    base_url: str = ""


@dataclass(frozen=True)
class PageStatus:
    """The web process; `reason` is what it waits for, or why it failed."""

    state: State = "stopped"
    reason: Reason | None = None
    url: str = ""
    """For a browser on this machine."""
    url_for_others: str = ""
    """For those on other machines; empty: there are none, or it is not known."""
    pid: int | None = None
    restarts: int = 0
    since: str = field(default_factory=now)


ComingState = Literal["", "asking", "declined", "fetching", "loading", "failed", "ready"]


@dataclass(frozen=True)
class ComingStatus:
    """A better engine on its way, while another one answers; `state` is empty where none is.

    It asks whether it may be fetched, was declined, is fetched, loads its model, can't be had, or answers by now.
    """

    state: ComingState = ""
    title: str = ""
    """The model's name for people."""
    total: int = 0
    """What there is to fetch, in bytes."""
    done: int = 0
    """Bytes of it that are here."""
    speed: float | None = None
    """Bytes a second; None: unknown."""
    reason: Reason | None = None
    """Why it can't be had."""


@dataclass(frozen=True)
class Status:
    """Both processes, as in `run/status.json`, and what is on its way."""

    engine: EngineStatus = field(default_factory=EngineStatus)
    page: PageStatus = field(default_factory=PageStatus)
    coming: ComingStatus = field(default_factory=ComingStatus)

    def with_engine(self, **changes: Any) -> Status:
        """A copy with the engine's fields changed."""
        return replace(self, engine=replace(self.engine, **changes))

    def with_page(self, **changes: Any) -> Status:
        """A copy with the page's fields changed."""
        return replace(self, page=replace(self.page, **changes))

    def with_coming(self, **changes: Any) -> Status:
        """A copy with the fields changed of what is on its way."""
        return replace(self, coming=replace(self.coming, **changes))

    def write(self, path: Path) -> None:
        """Replaces the file atomically."""
        replace_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Status:
        """The status that was written last; a stopped one if there is none.

        Another version may have written it: unknown fields are ignored, missing ones get their defaults.
        """
        try:
            raw = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return cls()
        parts = raw if isinstance(raw, dict) else {}
        return cls(*(known_fields(kind, of_json(parts.get(name))) for name, kind in _PARTS.items()))


_PARTS: dict[str, type[Any]] = {"engine": EngineStatus, "page": PageStatus, "coming": ComingStatus}


def of_json(raw: object) -> dict[str, Any]:
    """The fields of a status or a change from JSON, with the phase and the reason as objects.

    Earlier versions put a sentence in `phase` if there was a reason.
    """
    given = dict(raw) if isinstance(raw, dict) else {}
    phase, reason = given.get("phase"), given.get("reason")
    given["phase"] = Phase(phase) if phase in list(Phase) else Phase.NONE
    given["reason"] = read_reason(reason)
    if given["reason"] is None and phase and not given["phase"]:
        given["reason"] = Reason.of_text(str(phase))
    return given


def read_reason(raw: object) -> Reason | None:
    """The reason from JSON; None if there is none."""
    if not isinstance(raw, dict):
        return None
    values = raw.get("values")
    return Reason(str(raw.get("key", "")), values if isinstance(values, dict) else {})


def known_fields(kind: type[_T], raw: object) -> _T:
    """A `kind` from those of its fields that are in `raw`; the others get their defaults.

    Raises:
        TypeError: a field without a default is missing.
    """
    given = raw if isinstance(raw, dict) else {}
    return kind(**{entry.name: given[entry.name] for entry in fields(kind) if entry.name in given})
