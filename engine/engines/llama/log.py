"""llama-server's log, line by line, to a phase, and why it could not load its model to a key with its values.

The lines are those of build b10434. Of a build that words them differently, the last line is what a person sees.
"""

from __future__ import annotations

import re

from engine.engines.watcher import Failure, Watcher
from engine.status import Phase, Reason

_LOADING = re.compile(r"load_model: loading model")
_UNREACHABLE = re.compile(r"failed to resolve commit for (\S+)")
_GIVEN_UP = "exiting due to model loading error"


class LlamaLog(Watcher):
    """Reads one run of llama-server; feed it every line."""

    def __init__(self) -> None:
        super().__init__(Phase.PREPARING)
        self._unreachable = ""

    def feed(self, line: str) -> None:
        """Takes one line."""
        if _LOADING.search(line):
            self.phase = Phase.LOADING
        elif found := _UNREACHABLE.search(line):
            # No failure yet: what it has fetched before, it takes from its cache.
            self._unreachable = found[1]
        elif self._unreachable and _GIVEN_UP in line:
            self.failure = Failure(Reason("gguf_unreachable", {"repository": self._unreachable}))
