"""The result of a call as plain JSON: text and pictures, or the reason why there is none."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from mcp import types

from engine.status import Reason

MOST_BYTES = 16 * 1024 * 1024
"""The largest message that is read from a tool server."""


@dataclass(frozen=True)
class Result:
    """What a call gave: `parts`, each `{"type": "text", "text"}` or `{"type": "image", "mime", "data"}`, in base64.

    With a `reason` the call itself failed; `failed` is what the tool reports of its own work.
    """

    parts: list[dict[str, str]] = field(default_factory=list)
    failed: bool = False
    reason: Reason | None = None

    def as_json(self) -> dict[str, Any]:
        """For the web process."""
        return asdict(self)


def too_large() -> Reason:
    """A tool server sent more than `MOST_BYTES`."""
    return Reason("tool_result_too_large", {"megabytes": MOST_BYTES // 1024 // 1024})


def result_of(answer: types.CallToolResult) -> Result:
    """The answer of a tool server; what is neither text nor picture is named in a text."""
    parts = [_part(block) for block in answer.content]
    if not parts and answer.structuredContent is not None:
        parts = [_text(json.dumps(answer.structuredContent, ensure_ascii=False))]
    return Result(parts, bool(answer.isError))


def _part(block: types.ContentBlock) -> dict[str, str]:
    match block.type:
        case "text":
            return _text(block.text)
        case "image":
            return {"type": "image", "mime": block.mimeType, "data": block.data}
        case "resource":
            inner = block.resource
            text = getattr(inner, "text", None)
            return _text(text if isinstance(text, str) else f"[{inner.uri}: {inner.mimeType or 'data'}]")
        case "resource_link":
            return _text(f"[{block.name}: {block.uri}]")
        case _:
            return _text(f"[{block.type}]")


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
