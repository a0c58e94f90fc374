"""What the supervisor tells the world: `run/status.json` (how it goes) and `run/plan.json` (what was launched)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from engine.atomic_write import replace_json

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_T = TypeVar("_T", bound="DataclassInstance")
State = Literal["stopped", "starting", "ready", "stopping", "failed"]
ANSWERS_NOTHING = "It came up again and again but answered no question; its log (./start.sh logs llm) may tell why."
"""The phase of an engine that is given up for that; the page says it in the person's language."""


def now() -> str:
    """This moment as ISO 8601, in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class EngineStatus:
    """The engine as people see it. `phase` is what it is doing, or why it failed; `percent` 0-100 where known."""

    kind: str = ""
    state: State = "stopped"
    phase: str = ""
    percent: float | None = None
    pid: int | None = None
    restarts: int = 0
    since: str = field(default_factory=now)
    model: str = ""
    base_url: str = ""


@dataclass(frozen=True)
class PageStatus:
    """The page's process. `phase` is what it waits for, or why it failed."""

    state: State = "stopped"
    phase: str = ""
    url: str = ""
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
    reason: str = ""
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
        """Replaces the file at once: a reader sees the old status or the new one, never a half."""
        replace_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> Status:
        """The status last written; a stopped one where there is none.

        Another version may have written it: what it has beside our fields is left out, what it lacks is as usual.
        """
        try:
            raw = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            return cls()
        parts = raw if isinstance(raw, dict) else {}
        engine, page, coming = (parts.get(part) for part in ("engine", "page", "coming"))
        return cls(
            known_fields(EngineStatus, engine), known_fields(PageStatus, page), known_fields(ComingStatus, coming)
        )


def known_fields(kind: type[_T], raw: object) -> _T:
    """A `kind` from those of its fields that `raw` has; the others have their defaults.

    Raises:
        TypeError: a field without a default is not there.
    """
    given = raw if isinstance(raw, dict) else {}
    return kind(**{entry.name: given[entry.name] for entry in fields(kind) if entry.name in given})
