"""The plan of one launch: what the supervisor runs, the page reads, and `./start.sh plan` prints."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from engine.atomic_write import replace_json
from engine.status import Reason, known_fields, read_reason
from engine.wording import Language, sentence

WEIGHTS = "{weights}"
"""Stands in a plan's argv for the weights' folder, which is known only once they are on the machine."""


class PlanError(Exception):
    """No launch can be planned; the text is one sentence with the way out."""


class ForbiddenError(PlanError):
    """The combination is known not to work; the text says the rule."""


@dataclass(frozen=True)
class EngineTraits:
    """What those who talk to an engine must know of it, whatever model it runs."""

    title: str = ""
    """Its name for people."""
    title_zh: str = ""
    """The same in Chinese; empty: the same."""
    unit: Literal["token", "character"] = "token"
    """What one of its "tokens" is, and so what a piece of its stream and a unit of its context are."""
    queue_metric: str = ""
    """What its metrics call the number of requests that wait inside it; empty: they don't say."""
    tokenizes: bool = False
    """Whether `/tokenize` counts the tokens of a text."""
    continues: bool = False
    """Whether it surely goes on with an answer that was begun, so that thinking can be ended early."""
    repeats_beginning: bool = False
    """Whether a reply that is not streamed repeats the beginning of the answer that it goes on with."""
    remote: bool = False
    """Whether it is a server of the person's own, with the person's key, and nothing is started here."""

    def title_in(self, language: str) -> str:
        """Its name for people who read this language."""
        return self.title_zh if language == "zh" and self.title_zh else self.title


@dataclass(frozen=True)
class Guide:
    """What `./start.sh plan` prints beside the launch itself, for a person who does it by hand."""

    image: str = ""
    """A container image with this engine; empty: none is known."""
    container: tuple[str, ...] = ()
    """What `docker run` needs beside the image and the command."""
    steps: tuple[str, ...] = ()
    """What comes before the launch: shell lines, the first of each a comment that says what it is."""
    verify: str = ""
    """Shell lines that ask the running engine one question."""
    page: str = ""
    """Shell lines by which this chat's page attaches to it."""
    workers: tuple[tuple[str, ...], ...] = ()
    """The command lines of the further nodes."""
    checked: str = ""
    """What has checked the command line."""
    advice: tuple[str, ...] = ()
    """Known symptoms and what to do."""


@dataclass(frozen=True)
class LaunchPlan:
    """One engine launch. The supervisor runs it, the page reads from it how to talk to the engine.

    `env` is added to a small clean environment and holds no secret: the key is put in at the launch.
    """

    engine: str
    """The engine's name among `ENGINES`."""
    model: str
    """The model's name in the catalogue."""
    served_name: str
    """The name the engine knows the model by."""
    base_url: str
    pictures: Literal["file", "data"]
    traits: EngineTraits = EngineTraits()
    picture_patches: int | None = None
    """To how many patches the page scales each picture, which it then pads to whole blocks (app/files/padded.py), for
    an engine that does neither as the model's own processor does; None: the engine does it."""
    picture_pixels: int | None = None
    """What a picture is scaled down to where that is less than the model's own limit."""
    argv: tuple[str, ...] = ()
    """Empty: there is no process to start, the engine runs elsewhere."""
    env: dict[str, str] = field(default_factory=dict)
    ready_path: str = "/health"
    key_env: str = "KIMI_ENGINE_KEY"
    """The environment variable by which the engine takes its key."""
    environment: str = ""
    """The build of the engine's own environment that it runs in, made before the launch; empty: none."""
    weights: str = ""
    """The weights to have before the launch, as `KIMI_MODEL` names them; empty: none."""
    variant: str = ""
    """The model's variant whose weights they are; empty: the model's own."""
    to_fetch: int = 0
    """Bytes of weights that are not here yet and may come while the reader answers; 0: it is waited for them."""
    finish: str = ""
    """`python -m FINISH MODEL WEIGHTS MODELS` makes what else it loads once the weights are there; empty: nothing."""
    context: int | None = None
    """The context the engine was launched with, in tokens; None: the model's own, or what memory allows."""
    note: str = ""
    """What a person should know of this choice, e.g. why it is not the vision model."""
    reasons: tuple[str, ...] = ()
    failure: Reason | None = None
    """Why what was tried before could not be started; None: nothing was."""
    accelerator: str = ""
    """What it runs on, in words: `8 x H200`."""
    guide: Guide = field(default_factory=Guide)
    """What a person reads of it; the page does not get it."""

    def write(self, path: Path) -> None:
        """Hands the plan to the page."""
        replace_json(path, asdict(self))

    @classmethod
    def read(cls, path: Path) -> LaunchPlan:
        """The plan that the supervisor launched; what another version wrote beside our fields is left out.

        Raises:
            FileNotFoundError: nothing was launched in this workspace yet.
        """
        raw = json.loads(path.read_text())
        known = {entry.name for entry in fields(cls)} - {"guide"}
        kept: dict[str, Any] = {name: _tuples(value) for name, value in raw.items() if name in known}
        kept["traits"] = known_fields(EngineTraits, raw.get("traits"))
        return cls(**kept | {"failure": read_reason(raw.get("failure"))})

    def why(self, language: Language = "en") -> tuple[str, ...]:
        """Why this engine was chosen, with what could not be started before it."""
        return (*self.reasons, sentence(self.failure, language)) if self.failure else self.reasons


def _tuples(value: object) -> object:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
