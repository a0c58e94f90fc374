"""Calls of tools and their results as the messages of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.talk.control_tokens import neutralise
from app.talk.parts import Part, ResultPicture, Stretch, ToolCall, ToolResult

Message = dict[str, Any]
NO_RESULT = "There is no result: the call was interrupted."


def step_messages(
    parts: Sequence[Part],
    *,
    reasoning: bool,
    url: Callable[[ResultPicture], str] = lambda _: "",
    number: Callable[[ResultPicture], int] = lambda _: 0,
) -> list[Message]:
    """The messages of an answer up to the result of its last tool; `reasoning` is sent within a turn only.

    Of a call that was interrupted, the result says so, since each call must have one. Pictures follow in a message of
    the user, because engines refuse them in that of a tool; one whose `url` is empty is not sent. `number` is
    that of a picture in the chat, by which tools know it.
    """
    messages: list[Message] = []
    said: dict[str, str] = {}
    calls: list[ToolCall] = []
    results: dict[str, ToolResult] = {}

    def close() -> None:
        if calls:
            messages.append(_calling(said, calls, reasoning=reasoning))
            messages.extend(_resulting(calls, results, url, number))
            said.clear()
            calls.clear()
            results.clear()

    for part in parts:
        if isinstance(part, ToolResult):
            results[part.id] = part
            continue
        if isinstance(part, Stretch) or results:
            close()
        if isinstance(part, ToolCall):
            calls.append(part)
        else:
            said[part.kind] = said.get(part.kind, "") + part.text
    close()
    return messages


def numbered(numbers: Sequence[int]) -> str:
    """For the model: by which numbers tools know these pictures."""
    listed = ", ".join(map(str, numbers))
    return (
        f"For the tools, {'this is picture' if len(numbers) == 1 else 'these are the pictures'} {listed} of this chat."
    )


def _resulting(
    calls: Sequence[ToolCall],
    results: Mapping[str, ToolResult],
    url: Callable[[ResultPicture], str],
    number: Callable[[ResultPicture], int],
) -> list[Message]:
    messages: list[Message] = []
    pictures: list[Message] = []
    numbers: list[int] = []
    for call in calls:
        result = results.get(call.id)
        content = neutralise(result.text) if result else NO_RESULT
        messages.append({"role": "tool", "tool_call_id": call.id, "content": content or "The tool returned no text."})
        shown = [picture for picture in result.pictures if url(picture)] if result else []
        pictures += [{"type": "image_url", "image_url": {"url": url(picture)}} for picture in shown]
        numbers += map(number, shown)
    if pictures:
        words = f"These are the pictures from the results above. {numbered(numbers)}"
        messages.append({"role": "user", "content": [*pictures, {"type": "text", "text": words}]})
    return messages


def _calling(said: dict[str, str], calls: Sequence[ToolCall], *, reasoning: bool) -> Message:
    message: Message = {"role": "assistant", "content": neutralise(said.get("text", "").strip())}
    if reasoning and (thoughts := said.get("reasoning", "").strip()):
        # vLLM reads `reasoning`, SGLang and llama.cpp read `reasoning_content`.
        message |= {"reasoning": neutralise(thoughts), "reasoning_content": neutralise(thoughts)}
    functions = [{"name": call.name, "arguments": call.arguments} for call in calls]
    message["tool_calls"] = [
        {"id": call.id, "type": "function", "function": function}
        for call, function in zip(calls, functions, strict=True)
    ]
    return message
