"""Examines a server of nano by its API: how many shapes it names, how far it counts, and how fast."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any

from PIL import Image

from engine.formats.base64_text import data_url
from engine.formats.padded import padded
from engine.nano import NAME
from engine.nano.questions import LASTS, Reply, about_shape, fresh_shapes, numbers, thinking
from engine.reasoning_tags import split
from engine.system.local_http import post

Json = dict[str, Any]
EACH = 12
"""How many pictures of each of the eight shapes are shown."""
_AT_ONCE = 4
_PATIENCE = 600.0
"""Seconds for one answer: the first may compile kernels."""
_MOST_TOKENS = {"shape": 60, "count": 1500}
"""A longer answer is wrong anyway, and one that never ends would take all of the context."""


class ExamError(Exception):
    """The server can't be examined; the text is one sentence."""


@dataclass(frozen=True)
class Candidate:
    """A server of nano. `key` is a secret."""

    base_url: str
    """With `/v1`."""
    key: str
    patches: int | None = None
    """The plan's `picture_patches`."""


@dataclass(frozen=True)
class Marks:
    """How many answers were right, of how many."""

    right: int
    asked: int

    def at_least(self, share: float) -> bool:
        """Whether this share of the answers was right."""
        return self.right >= share * self.asked

    def __str__(self) -> str:
        return f"{self.right} of {self.asked}"


@dataclass(frozen=True)
class _Heard:
    reply: Reply
    tokens: int


def shapes(candidate: Candidate, each: int = EACH) -> Marks:
    """Shows pictures of shapes, `each` of every kind.

    Raises:
        ExamError: it refuses one, or is gone.
    """
    asked = fresh_shapes(each)
    questions = [_about(candidate, picture, question) for _, picture, question in asked]
    heard = _ask_all(candidate, questions, _MOST_TOKENS["shape"])
    return Marks(
        sum(one.reply == about_shape(shape) for one, (shape, _, _) in zip(heard, asked, strict=True)), len(asked)
    )


def counts(candidate: Candidate, lasts: Sequence[int] = LASTS) -> tuple[Marks, float]:
    """Has it count to each of these numbers, several at once; with all tokens a second.

    Raises:
        ExamError: it refuses, or is gone.
    """
    began = time.monotonic()
    heard = _ask_all(candidate, [f"Count from 1 to {last}" for last in lasts], _MOST_TOKENS["count"])
    speed = sum(one.tokens for one in heard) / max(time.monotonic() - began, 1e-3)
    right = sum(one.reply == (thinking(last), numbers(last)) for one, last in zip(heard, lasts, strict=True))
    return Marks(right, len(lasts)), speed


def _ask_all(candidate: Candidate, questions: Sequence[str | list[Json]], most: int) -> list[_Heard]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda content: _ask(candidate, content, most), questions))


def _about(candidate: Candidate, picture: Image.Image, question: str) -> list[Json]:
    file = io.BytesIO()
    picture.save(file, "PNG")
    data = padded(file.getvalue(), candidate.patches) if candidate.patches else file.getvalue()
    return [
        {"type": "image_url", "image_url": {"url": data_url(data, "image/png")}},
        {"type": "text", "text": question},
    ]


def _ask(candidate: Candidate, content: str | list[Json], most: int) -> _Heard:
    body = {
        "model": NAME,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": most,
    }
    try:
        with post(f"{candidate.base_url}/chat/completions", candidate.key, body, _PATIENCE) as reply:
            said = json.load(reply)
        message, tokens = said["choices"][0]["message"], int(said["usage"]["completion_tokens"])
        reasoning, text = message.get("reasoning") or message.get("reasoning_content") or "", message["content"] or ""
    except (OSError, HTTPException) as error:
        read = getattr(error, "read", None)
        why = read(300).decode(errors="replace") if read else ""
        raise ExamError(f"The engine refuses a question, or is gone ({error}{': ' if why else ''}{why}).") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ExamError(f"The engine's reply does not follow the API ({error!r}).") from None
    return _Heard((reasoning, text) if reasoning else split(text), tokens)
