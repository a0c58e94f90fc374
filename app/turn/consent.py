"""What the user decides about calls of tools."""

from __future__ import annotations

import asyncio
from typing import Literal

Decision = Literal["run", "always", "refuse"]
LONGEST_MINUTES = 30
"""How long a question waits for its user; the call is then not run."""


class Consent:
    """The open question of one turn; `always` are the tools that run unasked in this chat, and outlives the turn."""

    def __init__(self, always: set[str] | None = None) -> None:
        self.always = set() if always is None else always
        self._open: tuple[str, asyncio.Future[Decision]] | None = None

    @property
    def asking(self) -> bool:
        """Whether the user is being asked now."""
        return self._open is not None

    def decide(self, call_id: str, decision: Decision) -> None:
        """Answers the question about this call; does nothing if it is no longer open."""
        if self._open and self._open[0] == call_id and not self._open[1].done():
            self._open[1].set_result(decision)

    async def wait(self, call_id: str, tool: str) -> bool:
        """Waits until the user has decided whether this call of `tool` may run.

        Raises:
            TimeoutError: there was no decision within `LONGEST_MINUTES`.
        """
        decision: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._open = call_id, decision
        try:
            async with asyncio.timeout(60 * LONGEST_MINUTES):
                decided = await decision
        finally:
            self._open = None
        if decided == "always":
            self.always.add(tool)
        return decided != "refuse"
