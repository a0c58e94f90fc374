"""Brings a model's weights while another engine answers: asks whether it may, reports, stops where it may not."""

from __future__ import annotations

import asyncio
import time
import urllib.request
from collections import deque
from collections.abc import Callable

from engine.config import Settings
from engine.plans.launch import LaunchPlan
from engine.status import Phase, Reason
from engine.supervise import consent
from engine.supervise.prepare import prepare
from engine.supervise.service import PermanentError

_LOOK_SECONDS = 0.5
_LAST_WORDS = 10.0
"""Seconds in which the text of a picture that has been read is sent."""
_MOST_LOOKS = 60
_WINDOW = 20
"""The speed is that of so many reports, which come once a second."""

Show = Callable[..., None]
"""Takes fields of `ComingStatus` that have changed."""


async def bring(plan: LaunchPlan, settings: Settings, show: Show) -> None:
    """Returns once all that the plan needs is on this machine; asks before, and after a failure waits for a yes."""
    failure: Reason | None = None
    while True:
        await _until_yes(settings, failure, show)
        show(state="fetching", done=0, speed=None, reason=None)
        try:
            if await _fetched(plan, settings, show):
                return
            failure = None
        except PermanentError as error:
            # Another yes tries again.
            failure = error.reason
            consent.ask_again(settings.files)


async def _fetched(plan: LaunchPlan, settings: Settings, show: Show) -> bool:
    """Whether it was fetched; False: somebody has said no meanwhile.

    Raises:
        PermanentError: it can't be had.
    """
    fetching = asyncio.create_task(prepare(plan, settings, _Meter(plan.to_fetch, show).report))
    refusal = asyncio.create_task(_until_no(settings))
    try:
        await asyncio.wait({fetching, refusal}, return_when=asyncio.FIRST_COMPLETED)
        return bool(await fetching) if fetching.done() else False
    finally:
        for task in (fetching, refusal):
            task.cancel()
        # What it had started is ended before anything else is begun.
        await asyncio.gather(fetching, refusal, return_exceptions=True)


async def _until_yes(settings: Settings, failure: Reason | None, show: Show) -> None:
    told = ""
    while (word := consent.answered(settings.files)) != "yes":
        state = "declined" if word == "no" else "failed" if failure else "asking"
        if state != told:
            told = state
            show(state=state, speed=None, reason=failure)
        await asyncio.sleep(_LOOK_SECONDS)


async def _until_no(settings: Settings) -> None:
    while consent.answered(settings.files) != "no":
        await asyncio.sleep(_LOOK_SECONDS)


async def until_idle(metrics: str) -> None:
    """Waits until the reader, whose metrics are at this address, has no picture left to read, and a moment longer."""
    for _ in range(_MOST_LOOKS):
        await asyncio.sleep(_LAST_WORDS)
        if await asyncio.to_thread(_is_idle, metrics):
            return


def _is_idle(metrics: str) -> bool:
    try:
        with urllib.request.urlopen(metrics, timeout=5) as reply:  # noqa: S310 - our own
            lines = reply.read().decode().splitlines()
    except OSError:
        return False
    return {"reader_pictures_waiting 0", "reader_pictures_running 0"} <= set(lines)


class _Meter:
    """Makes bytes and a speed of what an installation reports."""

    def __init__(self, total: int, show: Show) -> None:
        self._total = total
        self._show = show
        self._seen: deque[tuple[float, int]] = deque(maxlen=_WINDOW)

    def report(self, phase: Phase, percent: float | None) -> None:
        """Takes a phase and, where it is known, how far it is."""
        if phase is not Phase.DOWNLOADING or percent is None:
            return
        done, now = int(self._total * percent / 100), time.monotonic()
        self._seen.append((now, done))
        since, before = self._seen[0]
        speed = (done - before) / (now - since) if now > since and done > before else None
        self._show(done=done, speed=speed)
