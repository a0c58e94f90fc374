"""All engines. To add one, add a folder next to this file and a line in `ENGINES`."""

from __future__ import annotations

from engine.config import AUTO, ConfigError, Settings
from engine.engines.base import Engine
from engine.engines.llama.engine import LLAMA
from engine.engines.reader import READER
from engine.engines.remote import REMOTE
from engine.engines.sglang.engine import SGLANG
from engine.engines.vllm.engine import VLLM

ENGINES: dict[str, Engine] = {engine.name: engine for engine in (READER, VLLM, SGLANG, LLAMA, REMOTE)}
"""By name. `KIMI_ENGINE=auto` tries the `automatic` ones in this order."""


def engine_of(name: str) -> Engine:
    """The engine of a launch plan; the remote one for an unknown name, which another version wrote."""
    return ENGINES.get(name, REMOTE)


def check(settings: Settings) -> None:
    """Checks that `KIMI_ENGINE` is `auto` or an engine.

    Raises:
        ConfigError: it is neither; the text names the value and what is allowed.
    """
    if settings.engine not in {AUTO, *ENGINES}:
        *names, last = (AUTO, *ENGINES)
        raise ConfigError(f"KIMI_ENGINE is {settings.engine!r}; allowed is {', '.join(names)} or {last}.")
