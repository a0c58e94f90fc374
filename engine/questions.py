"""Asks a running engine a tiny real question now and then: some hang while their `/health` says that all is well.

A question that waits behind others is no sign of that. An engine counts as hung when a question stays unanswered for
long and, all that time, not one token came out of the engine for anybody.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

ASK_EVERY = 60.0
"""Seconds between two questions."""
HUNG_AFTER = 240.0
"""Seconds without an answer and without a token for anybody; the longest pictures take a slow machine less."""
FAILURES = 3
"""Questions in a row that are answered with a server's error."""
_LOOK_EVERY = 5.0
_TOKENS = re.compile(r"^\S*tokens\S*total\S*(?:\{.*\})? (\S+)$", re.MULTILINE)
"""Counters of tokens in vLLM's, SGLang's, llama-server's and the reader's metrics."""


@dataclass(frozen=True)
class Question:
    """What is asked, and where."""

    url: str
    body: Mapping[str, Any]
    metrics_url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def tiny_question(base_url: str, served_name: str, key: str) -> Question:
    """One token of an answer from the engine at `base_url` (with `/v1`)."""
    body = {"model": served_name, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "temperature": 0}
    headers = {"Authorization": f"Bearer {key}"}
    return Question(f"{base_url}/chat/completions", body, base_url.removesuffix("/v1") + "/metrics", headers)


async def until_stuck(session: aiohttp.ClientSession, question: Question) -> str:
    """Keeps asking; returns, in a sentence, that it no longer answers."""
    failures = 0
    while True:
        await asyncio.sleep(ASK_EVERY if not failures else min(ASK_EVERY, _LOOK_EVERY))
        asking = asyncio.create_task(_ask(session, question))
        try:
            if not await _answered(session, question, asking):
                return f"It hangs: a question of two letters has had no answer for {HUNG_AFTER:.0f} s."
        finally:
            asking.cancel()
        status = asking.result()
        failures = failures + 1 if status >= 500 else 0
        if failures == FAILURES:
            return f"It answers every question with an error (HTTP {status})."


async def _answered(session: aiohttp.ClientSession, question: Question, asking: asyncio.Task[int]) -> bool:
    """Waits for the answer for as long as tokens come for anybody, and `HUNG_AFTER` seconds beyond."""
    clock = asyncio.get_running_loop().time
    tokens, since = await _tokens(session, question), clock()
    while clock() - since < HUNG_AFTER:
        done, _ = await asyncio.wait({asking}, timeout=min(_LOOK_EVERY, HUNG_AFTER / 4))
        if done:
            return True
        seen = await _tokens(session, question)
        if seen != tokens:
            tokens, since = seen, clock()
    return False


async def _ask(session: aiohttp.ClientSession, question: Question) -> int:
    """The HTTP status; 200 also where nobody could be asked, for that is what the health checks notice."""
    # It may wait behind long answers: how long is decided above.
    forever = aiohttp.ClientTimeout(total=None)
    try:
        async with session.post(question.url, json=question.body, headers=question.headers, timeout=forever) as reply:
            await reply.read()
            return reply.status
    except aiohttp.ClientError:
        return 200


async def _tokens(session: aiohttp.ClientSession, question: Question) -> float:
    """How many tokens have gone in and come out so far; 0 where the engine does not tell."""
    try:
        async with session.get(question.metrics_url, headers=question.headers) as reply:
            return sum(float(number) for number in _TOKENS.findall(await reply.text()))
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0.0
