"""What both halves of the product know of the tools."""

from __future__ import annotations

from engine.status import Reason

LONGEST_SECONDS = 600
"""The longest time that `mcp.json` may give to a call."""
NOT_RUNNING = Reason("tools_not_running")
"""The process that runs the tool servers does not answer."""
