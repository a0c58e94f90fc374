"""Turns the reply's pieces into the bodies that vLLM 0.32 sends: server-sent events, or one JSON object."""

import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from engine.reader.chat import Lines, Piece, Usage
from engine.reader.errors import ReaderError

logger = logging.getLogger(__name__)


class Reply:
    """The envelope of one reply: its id, time and model."""

    def __init__(self, model: str) -> None:
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._model = model

    async def events(
        self, parts: AsyncGenerator[Piece | Lines], usage: Usage, include_usage: bool
    ) -> AsyncIterator[bytes]:
        """Yields the events of a stream, from the role to `[DONE]`."""
        yield self._chunk({"role": "assistant", "content": ""})
        try:
            async with aclosing(parts):
                async for part in parts:
                    yield self._chunk(part.delta)
        except Exception as error:  # the status has been sent: the stream itself reports the error, as in vLLM
            logger.exception("A reply failed; its stream ends with an error.")
            yield _event(ReaderError(f"The reader failed: {type(error).__name__}; see its log.", 500).body())
        else:
            yield self._chunk({"content": ""}, usage.finish_reason)
            if include_usage:
                yield _event({**self._frame("chat.completion.chunk"), "choices": [], "usage": usage.body()})
        yield b"data: [DONE]\n\n"

    async def whole(self, parts: AsyncGenerator[Piece | Lines], usage: Usage) -> dict[str, object]:
        """Returns the body of a reply that is not streamed."""
        texts: dict[str, list[str]] = {"reasoning": [], "content": []}
        lines: list[object] = []
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, Lines):
                    lines += part.entries
                else:
                    texts[part.kind].append(part.text)
        message: dict[str, object] = {
            "role": "assistant",
            "content": "".join(texts["content"]),
            "reasoning": "".join(texts["reasoning"]) or None,
            "tool_calls": [],
        }
        if lines:
            message["lines"] = lines
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": usage.finish_reason}
        return {**self._frame("chat.completion"), "choices": [choice], "usage": usage.body()}

    def _frame(self, kind: str) -> dict[str, object]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}

    def _chunk(self, delta: dict[str, object], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return _event({**self._frame("chat.completion.chunk"), "choices": [choice]})


def _event(body: dict[str, object]) -> bytes:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
