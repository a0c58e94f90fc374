"""What a turn is to do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.talk.conversation import Answer, Turn


@dataclass
class Job:
    """What is to be done: the conversation up to and with the question, and the answer that is filled in.

    `raw_settings` are as the client sent them. With `continuing` the answer goes on where it ended.
    """

    turns: Sequence[Turn]
    answer: Answer
    raw_settings: Mapping[str, Any]
    continuing: bool = False
    answer_now: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by a person who has seen enough thinking: the answer then begins from the thoughts so far."""
    keep_waiting: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by a person who was asked about a silent engine, and has patience with it."""
