"""What a turn needs to call tools: the tools, the user's consent, and where the calls are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.talk.parts import ToolCall, ToolResult
from app.tools.tool import Tool
from app.tools.toolbox import Toolbox
from app.turn.consent import Consent

Tools = Mapping[str, Tool]


class CallsView(Protocol):
    """Shows the calls of tools to the user."""

    async def called(self, calls: Sequence[ToolCall], tools: Tools, *, forming: bool = False) -> None:
        """The calls of this round: called again and again while they are `forming`, and once they are complete."""

    async def may_run(self, call: ToolCall | None, tools: Tools) -> None:
        """Ask whether this call may run. None withdraws the question."""

    async def result(self, call: ToolCall, result: ToolResult) -> None:
        """A call has ended."""

    async def limit_reached(self, key: str) -> None:
        """The turn goes on without tools; `key` is the message that says why."""


@dataclass
class Tooling:
    """The tools of one turn."""

    toolbox: Toolbox
    consent: Consent
    view: CallsView
    last_round: bool = False
    """Whether the model must now answer without a further call."""
