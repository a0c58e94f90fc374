"""The part of OpenAI's chat completions API that the reader speaks, in the shape in which vLLM speaks it."""

from __future__ import annotations

import json
import time
import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class TextPart(BaseModel):
    """A piece of text in a message."""

    type: Literal["text"]
    text: str


class ImageUrl(BaseModel):
    """Where a picture is: `data:…;base64,…` or `file://…`."""

    url: str


class ImagePart(BaseModel):
    """A picture in a message."""

    type: Literal["image_url"]
    image_url: ImageUrl


Part = Annotated[TextPart | ImagePart, Field(discriminator="type")]


class Message(BaseModel):
    """A turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """All that is written in it."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if isinstance(part, TextPart))
        return self.content or ""

    @property
    def pictures(self) -> list[str]:
        """The URLs of its pictures, in order."""
        if isinstance(self.content, list):
            return [part.image_url.url for part in self.content if isinstance(part, ImagePart)]
        return []


class StreamOptions(BaseModel):
    """What the stream tells beside the answer."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A question. Fields that mean nothing to a reader (temperature, …) are taken and not looked at."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    continue_final_message: bool = False
    add_generation_prompt: bool = True

    @property
    def limit(self) -> int | None:
        """The most tokens to write, if there is a limit."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def stops(self) -> tuple[str, ...]:
        """The texts that end the answer."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(text for text in given if text)


class Replies:
    """Makes the JSON of one answer, streamed or whole."""

    def __init__(self, model: str) -> None:
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": model,
        }

    def chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        """An event of the stream."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return event({**self._head, "object": "chat.completion.chunk", "choices": [choice]})

    def usage_chunk(self, usage: dict[str, Any]) -> bytes:
        """The event that tells the usage."""
        return event({**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage})

    def whole(self, reasoning: str, content: str, finish_reason: str, usage: dict[str, Any]) -> dict[str, Any]:
        """The answer in one piece."""
        message = {"role": "assistant", "content": content, "reasoning": reasoning or None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish_reason}
        return {**self._head, "choices": [choice], "usage": usage}


def event(payload: dict[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def usage_of(prompt: int, reasoning: int, content: int) -> dict[str, Any]:
    """The usage object; a token is one character."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": reasoning + content,
        "total_tokens": prompt + reasoning + content,
        "completion_tokens_details": {"reasoning_tokens": reasoning},
    }
