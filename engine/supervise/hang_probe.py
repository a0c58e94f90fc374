"""Asks a running engine a tiny real question now and then: some hang while their `/health` says that all is well.

A question that waits behind others is no sign of that. An engine counts as hung when a question stays unanswered for
long and, all that time, its metrics showed no sign of work for anybody. One that does not show its work gets the hour
that an answer may take. An answer to a question of ours is a good one, and so is each token that it writes for others.
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
"""Seconds without an answer and without a sign of work for anybody; longer than the page itself waits for a token."""
HUNG_UNSEEN_AFTER = 3600.0
"""The same for an engine without metrics."""
FAILURES = 3
"""Questions in a row that are answered with a server's error."""
_LOOK_EVERY = 5.0
_TOKENS = r"\S*tokens\S*total\S*?"
"""Counters of tokens, in the metrics of all engines that have metrics."""
_WRITTEN = re.compile(r"generation_tokens_total\b")


@dataclass(frozen=True)
class Question:
    """What is asked, and where."""

    url: str
    body: Mapping[str, Any]
    metrics_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    work_metrics: tuple[str, ...] = ()
    """Metrics that show the engine at work, beside its counters of tokens."""

    def signs_of_work(self, metrics: str) -> list[str]:
        """The lines of the engine's metrics that change while it works."""
        names = "|".join([_TOKENS, *map(re.escape, self.work_metrics)])
        return re.findall(rf"^(?:{names})(?:\{{.*\}})? \S+$", metrics, re.MULTILINE)


def tiny_question(base_url: str, served_name: str, key: str, work_metrics: tuple[str, ...] = ()) -> Question:
    """One token of an answer from the engine at `base_url` (with `/v1`)."""
    body = {"model": served_name, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "temperature": 0}
    headers = {"Authorization": f"Bearer {key}"}
    metrics_url = base_url.removesuffix("/v1") + "/metrics"
    return Question(f"{base_url}/chat/completions", body, metrics_url, headers, work_metrics)


async def until_stuck(session: aiohttp.ClientSession, question: Question, note_answer: Callable[[], None]) -> Reason:
    """Keeps asking; `note_answer` hears of good answers. Returns why it counts as stuck, once none comes."""
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
    """Waits so long, and hears of what is written for people meanwhile; the last look's signs of work."""
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
    """Waits for the answer as long as there are signs of work; how many seconds there was none, None once answered.

    `work` is the last look's.
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
    """Whether tokens of answers came between two looks; what it reads of prompts is no answer."""
    if before is None or after is None:
        return False
    return any(_WRITTEN.search(line) and line not in before for line in after)


async def _ask(session: aiohttp.ClientSession, question: Question) -> int | None:
    """The HTTP status; None where nobody could be asked, which is what the health checks notice."""
    # It may wait behind long answers: how long is decided above.
    forever = aiohttp.ClientTimeout(total=None)
    try:
        async with session.post(question.url, json=question.body, headers=question.headers, timeout=forever) as reply:
            await reply.read()
            return reply.status
    except aiohttp.ClientError:
        return None


async def _work(session: aiohttp.ClientSession, question: Question) -> tuple[str, ...] | None:
    """What its metrics say of its work; None where they say nothing."""
    try:
        async with session.get(question.metrics_url, headers=question.headers) as reply:
            told = question.signs_of_work(await reply.text()) if reply.status == 200 else []
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return tuple(told) or None
