"""The input of a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.talk.conversation import Answer, Turn
from app.tools.toolbox import Toolbox
from app.turn.tooling import Tooling


@dataclass
class Job:
    """The conversation up to and including the question, and the answer to fill in.

    `raw_settings` are as the client sent them. With `continuing` the answer resumes where it ended.
    """

    turns: Sequence[Turn]
    answer: Answer
    raw_settings: Mapping[str, Any]
    continuing: bool = False
    answer_now: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the user presses Answer now: the answer then begins from the thoughts so far."""
    keep_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the user chooses to keep waiting for a silent engine."""
    tooling: Tooling | None = None
    """The tools that the model may call; None: none."""

    @property
    def toolbox(self) -> Toolbox | None:
        """The tools themselves."""
        return self.tooling.toolbox if self.tooling else None
