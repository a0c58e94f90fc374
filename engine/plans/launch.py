"""The plan of one launch: the supervisor runs it, the web process reads it, and `./start.sh plan` prints it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from engine.status import Reason, known_fields, read_reason
from engine.system.atomic_write import replace_json
from engine.wording import Language, both, in_language, sentence

WEIGHTS = "{weights}"
"""The placeholder in a plan's argv for the weights' folder, which is known only once they are on the machine."""


class PlanError(Exception):
    """No launch can be planned; the text is one sentence with the way out."""


class ForbiddenError(PlanError):
    """The combination is known not to work; the text names the rule."""


@dataclass(frozen=True)
class EngineTraits:
    """What a client of the engine must know, whatever model it runs."""

    title: str = ""
    """The name that people see."""
    title_zh: str = ""
    """The name in Chinese; empty: as in English."""
    unit: Literal["token", "character"] = "token"
    """What one of its "tokens" is, and so the unit of its stream and its context."""
    queue_metric: str = ""
    """The metric that counts the requests waiting inside it; empty: it has none."""
    tokenizes: bool = False
    """Whether `/tokenize` counts the tokens of a text."""
    continues: bool = False
    """Whether it surely goes on with an answer that was begun, so that thinking can be ended early."""
    repeats_beginning: bool = False
    """Whether a reply that is not streamed repeats the beginning of the answer that it goes on with."""
    side_requests: bool = False
    """Whether a short request beside the chats costs them nothing: not where it takes the only slot's cache."""
    caches_prompts: bool = False
    """Whether the beginning of a prompt, pictures included, stays in memory for the next one that begins so."""
    reports_lines: bool = False
    """Whether it says where the lines that it reads stand in a picture, if asked."""
    remote: bool = False
    """Whether it is a server that the user runs, with the user's key; nothing is started here."""

    @property
    def reads_only(self) -> bool:
        """Whether it is the reader, which takes every word of a question for one to look for."""
        return self.unit == "character"

    def title_in(self, language: str) -> str:
        """Its name in this language."""
        return self.title_zh if language == "zh" and self.title_zh else self.title


@dataclass(frozen=True)
class Guide:
    """What `./start.sh plan` prints besides the launch itself, for a user who does it by hand."""

    image: str = ""
    """A container image with this engine; empty: none is known."""
    container: tuple[str, ...] = ()
    """What `docker run` needs besides the image and the command."""
    steps: tuple[str, ...] = ()
    """The steps before the launch: shell lines that begin with a comment on what they do."""
    verify: str = ""
    """Shell lines that ask the running engine one question."""
    page: str = ""
    """Shell lines by which this chat's page attaches to it."""
    workers: tuple[tuple[str, ...], ...] = ()
    """The command lines of the further nodes."""
    checked: str = ""
    """What checked the command line."""
    advice: tuple[str, ...] = ()
    """Known symptoms and what to do."""


@dataclass(frozen=True)
class LaunchPlan:
    """One engine launch. The supervisor runs it; the web process reads how to talk to the engine.

    `env` is added to a clean environment and contains no secret: the key is added at the launch.
    """

    engine: str
    """The engine's name among `ENGINES`."""
    model: str
    """The model's name in the catalogue."""
    served_name: str
    """The engine's name for the model."""
    base_url: str
    pictures: Literal["file", "data"]
    traits: EngineTraits = EngineTraits()
    picture_patches: int | None = None
    """To how many patches the page scales each picture, which it then pads to whole blocks (engine/formats/padded.py),
    for an engine that does neither as the model's own processor does; None: the engine does it."""
    picture_pixels: int | None = None
    """What a picture is scaled down to where that is less than the model's own limit."""
    argv: tuple[str, ...] = ()
    """Empty: there is no process to start, the engine runs elsewhere."""
    env: dict[str, str] = field(default_factory=dict)
    ready_path: str = "/health"
    key_env: str = "KIMI_ENGINE_KEY"
    """The environment variable from which the engine reads its key."""
    environment: str = ""
    """The build of the engine's own environment, which is made before the launch; empty: none."""
    weights: str = ""
    """The weights to have before the launch, as `KIMI_MODEL` names them; empty: none."""
    variant: str = ""
    """The model's variant whose weights they are; empty: the model's own."""
    to_fetch: int = 0
    """Bytes of weights that are not here yet and may come while the reader answers; 0: it is waited for them."""
    finish: str = ""
    """`python -m FINISH MODEL WEIGHTS MODELS [PROGRAM]` makes what else it loads once the weights are there, `PROGRAM`
    being the engine where none is installed here; empty: nothing."""
    context: int | None = None
    """The context the engine was launched with, in tokens; None: the model's own, or what memory allows."""
    note: str = ""
    """What the user should know about this choice, e.g. why it is not the vision model."""
    reasons: tuple[str, ...] = ()
    failure: Reason | None = None
    """Why the previous attempt could not be started; None: there was none."""
    accelerator: str = ""
    """What it runs on, in words: `8 x H200`."""
    guide: Guide = field(default_factory=Guide)
    """Instructions for the user; the web process does not read them."""

    def write(self, path: Path) -> None:
        """Writes the plan for the web process."""
        chinese = [in_language(reason, "zh") for reason in self.reasons]
        replace_json(path, asdict(self) | {"reasons_zh": chinese})

    @classmethod
    def read(cls, path: Path) -> LaunchPlan:
        """The plan that the supervisor launched, without fields of other versions.

        Raises:
            FileNotFoundError: nothing has been launched in this workspace yet.
        """
        raw = json.loads(path.read_text())
        known = {entry.name for entry in fields(cls)} - {"guide"}
        kept: dict[str, Any] = {name: _tuples(value) for name, value in raw.items() if name in known}
        if len(chinese := raw.get("reasons_zh", ())) == len(kept.get("reasons", ())):
            kept["reasons"] = tuple(map(both, kept.get("reasons", ()), chinese))
        kept["traits"] = known_fields(EngineTraits, raw.get("traits"))
        return cls(**kept | {"failure": read_reason(raw.get("failure"))})

    def why(self, language: Language = "en") -> tuple[str, ...]:
        """Why this engine was chosen, and why the previous attempt failed."""
        reasons = tuple(in_language(reason, language) for reason in self.reasons)
        return (*reasons, sentence(self.failure, language)) if self.failure else reasons


def _tuples(value: object) -> object:
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
