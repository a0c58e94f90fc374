"""Regularly asks a running engine a tiny real question: some engines hang while their `/health` reports success.

A question that waits behind others is no sign of a hang. An engine counts as hung when a question stays unanswered for
a long time during which its metrics showed no work for any client. An engine without such metrics gets the hour that
an answer may take. An answer to our own question counts as a good answer, and so does each token for another client.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.lazily import aiohttp
from engine.status import Reason

ASK_EVERY = 60.0
"""Seconds between two questions."""
HUNG_AFTER = 900.0
"""Seconds without an answer and without any sign of work; longer than the web process waits for a token."""
HUNG_UNSEEN_AFTER = 3600.0
"""The same for an engine without metrics."""
FAILURES = 3
"""Questions in a row that get a server error (5xx)."""
_LOOK_EVERY = 5.0
_TOKENS = r"\S*tokens\S*total\S*?"
"""The token counters in the metrics of every engine that has metrics."""
_WRITTEN = re.compile(r"generation_tokens_total\b")


@dataclass(frozen=True)
class Question:
    """The question, and where to send it."""

    url: str
    body: Mapping[str, Any]
    metrics_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    work_metrics: tuple[str, ...] = ()
    """Metrics that show the engine at work, besides its token counters."""

    def signs_of_work(self, metrics: str) -> list[str]:
        """The lines of the engine's metrics that change while it works."""
        names = "|".join([_TOKENS, *map(re.escape, self.work_metrics)])
        return re.findall(rf"^(?:{names})(?:\{{.*\}})? \S+$", metrics, re.MULTILINE)


def tiny_question(base_url: str, served_name: str, key: str, work_metrics: tuple[str, ...] = ()) -> Question:
    """A question that asks the engine at `base_url` (with `/v1`) for one token."""
    body = {"model": served_name, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "temperature": 0}
    headers = {"Authorization": f"Bearer {key}"}
    metrics_url = base_url.removesuffix("/v1") + "/metrics"
    return Question(f"{base_url}/chat/completions", body, metrics_url, headers, work_metrics)


async def until_stuck(session: aiohttp.ClientSession, question: Question, note_answer: Callable[[], None]) -> Reason:
    """Keeps asking and calls `note_answer` for each good answer. Returns the reason once the engine counts as stuck."""
    failures, work = 0, await _work(session, question)
    while True:
        pause = ASK_EVERY if not failures else min(ASK_EVERY, _LOOK_EVERY)
        work = await _watched(session, question, pause, work, note_answer)
        asking = asyncio.create_task(_ask(session, question))
        try:
            if (silent := await _unanswered(session, question, asking, work, note_answer)) is not None:
                return Reason("hangs", {"seconds": silent})
        finally:
            asking.cancel()
        status, before, work = asking.result(), work, await _work(session, question)
        if (status or 500) < 500 or _has_written(before, work):
            note_answer()
        failures = failures + 1 if (status or 0) >= 500 else 0
        if failures == FAILURES:
            return Reason("answers_with_errors", {"status": status or 0})


async def _watched(
    session: aiohttp.ClientSession,
    question: Question,
    seconds: float,
    work: tuple[str, ...] | None,
    note_answer: Callable[[], None],
) -> tuple[str, ...] | None:
    """Waits so long, noting answers to other clients. Returns the signs of work that were seen last."""
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    while (left := end - clock()) > 0:
        await asyncio.sleep(min(left, _LOOK_EVERY))
        before, work = work, await _work(session, question)
        if _has_written(before, work):
            note_answer()
    return work


async def _unanswered(
    session: aiohttp.ClientSession,
    question: Question,
    asking: asyncio.Task[int | None],
    work: tuple[str, ...] | None,
    note_answer: Callable[[], None],
) -> float | None:
    """Waits for the answer while there are signs of work.

    `work` is what was seen last. Returns None once there is an answer, else how many seconds there was no sign of work.
    """
    clock = asyncio.get_running_loop().time
    since = clock()
    while True:
        limit = HUNG_UNSEEN_AFTER if work is None else HUNG_AFTER
        done, _ = await asyncio.wait({asking}, timeout=min(_LOOK_EVERY, limit / 4))
        if done:
            return None
        seen = await _work(session, question)
        if seen is not None and seen != work:
            if _has_written(work, seen):
                note_answer()
            work, since = seen, clock()
        elif clock() - since >= limit:
            return clock() - since


def _has_written(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> bool:
    """Whether the engine generated tokens between two looks; prompt tokens do not count."""
    if before is None or after is None:
        return False
    return any(_WRITTEN.search(line) and line not in before for line in after)


async def _ask(session: aiohttp.ClientSession, question: Question) -> int | None:
    """The HTTP status; None if there was no connection, which the health checks notice."""
    # It may wait behind long answers; `_unanswered` decides for how long.
    forever = aiohttp.ClientTimeout(total=None)
    try:
        async with session.post(question.url, json=question.body, headers=question.headers, timeout=forever) as reply:
            await reply.read()
            return reply.status
    except aiohttp.ClientError:
        return None


async def _work(session: aiohttp.ClientSession, question: Question) -> tuple[str, ...] | None:
    """The signs of work in its metrics; None if there are none."""
    try:
        async with session.get(question.metrics_url, headers=question.headers) as reply:
            seen = question.signs_of_work(await reply.text()) if reply.status == 200 else []
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return tuple(seen) or None
