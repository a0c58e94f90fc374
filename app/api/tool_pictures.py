"""Pictures in the result of a tool: moved into a message of the user, because engines refuse them in that of a tool."""

from __future__ import annotations

from typing import Any

_WORDS = "These are the pictures from the results above."


def moved_out_of_results(messages: list[Any]) -> list[Any]:
    """The messages, with the pictures of each row of results in a message of the user directly after it.

    The parts themselves stay the same objects.
    """
    moved: list[Any] = []
    waiting: list[Any] = []
    for message in messages:
        is_result = isinstance(message, dict) and message.get("role") == "tool"
        if waiting and not is_result:
            moved.append(_shown(waiting))
            waiting = []
        if is_result and isinstance(content := message.get("content"), list):
            pictures = [part for part in content if _is_picture(part)]
            if pictures:
                waiting += pictures
                rest = [part for part in content if not _is_picture(part)]
                moved.append({**message, "content": rest or "The result is the picture below."})
                continue
        moved.append(message)
    return [*moved, _shown(waiting)] if waiting else moved


def _is_picture(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"


def _shown(pictures: list[Any]) -> dict[str, Any]:
    return {"role": "user", "content": [*pictures, {"type": "text", "text": _WORDS}]}
