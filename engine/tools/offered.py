"""A tool as it is offered to a model: its name there, and limits on what a server may say about it."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any

from mcp import types

MOST_TOOLS = 64
"""Of one server."""
_LONGEST_NAME = 64
"""OpenAI's limit."""
_LONGEST_DESCRIPTION = 2000
_LONGEST_SCHEMA = 16_000


@dataclass(frozen=True)
class Tool:
    """A tool of a server. `name` is what a model calls, `own_name` what the server calls it."""

    name: str
    own_name: str
    server: str
    title: str = ""
    description: str = ""
    schema: dict[str, Any] = field(default_factory=dict)
    unasked: bool = False
    """Whether it runs without a question to the user."""

    def as_json(self) -> dict[str, Any]:
        """For the web process."""
        return asdict(self)


def offered_name(server: str, tool: str) -> str:
    """The name for a model: letters, digits, `_` and `-`, at most 64, different for each tool of each server."""
    joined = f"{server}__{tool}"
    cleaned = re.sub(r"[^A-Za-z0-9_-]", "_", joined)
    if cleaned == joined and len(joined) <= _LONGEST_NAME:
        return joined
    digest = hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{cleaned[: _LONGEST_NAME - 9]}_{digest}"


def offered(tools: list[types.Tool], server: str, read_only_unasked: bool) -> tuple[list[Tool], list[str]]:
    """The tools of a server, and the names of those that are not offered: too many, too large, or twice."""
    kept: dict[str, Tool] = {}
    left_out: list[str] = []
    for tool in tools:
        too_large = len(json.dumps(tool.inputSchema)) > _LONGEST_SCHEMA
        if tool.name in kept or too_large or len(kept) >= MOST_TOOLS:
            left_out.append(tool.name[:80])
            continue
        notes = tool.annotations
        kept[tool.name] = Tool(
            name=offered_name(server, tool.name),
            own_name=tool.name,
            server=server,
            title=(tool.title or (notes.title if notes else None) or tool.name)[:80],
            description=(tool.description or "")[:_LONGEST_DESCRIPTION],
            schema=tool.inputSchema,
            unasked=bool(read_only_unasked and notes and notes.readOnlyHint),
        )
    return list(kept.values()), left_out
