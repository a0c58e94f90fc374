"""The calls of tools in one turn: checked, asked about, run side by side, and their results put into the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from app.talk.conversation import Picture
from app.talk.parts import LONGEST_NAME, ToolCall, ToolResult
from app.telemetry import spans
from app.tools.toolbox import Toolbox
from app.turn.consent import LONGEST_MINUTES
from app.turn.job import Job
from app.turn.tooling import Tooling

MOST_ROUNDS = 12
"""How many times in one turn the model may call tools."""
MOST_SECONDS = 900.0
"""How long all calls of one turn may take, without the time in which the user is asked."""
_AT_ONCE = 4
_MOST_MISTAKES = 2
"""Rounds in a row in which every call was wrong: the model learns of it once, and then answers without tools."""
_log = logging.getLogger("app.turn")


class Calls:
    """Runs the calls of one turn, round by round."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._rounds = self._mistakes = 0
        self._seconds_left = MOST_SECONDS

    async def answer(self, calls: Sequence[ToolCall], tooling: Tooling) -> None:
        """Puts the calls and their results into the answer; each call has a result, however this ends."""
        toolbox = tooling.toolbox
        named(calls, len(self._job.answer.steps))
        results: dict[str, ToolResult] = {}
        pictures = chat_pictures(self._job, toolbox)
        self._job.answer.parts += calls
        await tooling.view.called(calls, toolbox.tools)
        try:
            mistakes = {call.id: await toolbox.mistake(call) for call in calls}
            for call in calls:
                if (said := mistakes[call.id]) or (said := await self._refusal(call, tooling)):
                    await _end(call, ToolResult(call.id, said, failed=True), results, tooling)
            wanted = [call for call in calls if call.id not in results]
            await self._run(wanted, tooling, pictures, results)
        finally:
            stopped = "The user stopped this call."
            self._job.answer.parts += [
                results.get(call.id) or ToolResult(call.id, stopped, failed=True) for call in calls
            ]
        self._mistakes = self._mistakes + 1 if all(mistakes.values()) else 0
        await self._limit(tooling)

    async def _limit(self, tooling: Tooling) -> None:
        self._rounds += 1
        reached = {
            "tool_rounds": self._rounds >= MOST_ROUNDS,
            "tool_time": self._seconds_left <= 0,
            "tool_mistakes": self._mistakes >= _MOST_MISTAKES,
        }
        if key := next((key for key, is_reached in reached.items() if is_reached), ""):
            tooling.last_round = True
            await tooling.view.limit_reached(key)

    async def _refusal(self, call: ToolCall, tooling: Tooling) -> str:
        """Why this call must not run, for the model; empty: it may."""
        tools, consent = tooling.toolbox.tools, tooling.consent
        if tools[call.name].unasked or call.name in consent.always:
            return ""
        await tooling.view.may_run(call, tools)
        try:
            return "" if await consent.wait(call.id, call.name) else "The user refused this call."
        except TimeoutError:
            return f"The user did not answer within {LONGEST_MINUTES} minutes, so this call was not run."
        finally:
            await tooling.view.may_run(None, tools)

    async def _run(
        self, calls: Sequence[ToolCall], tooling: Tooling, pictures: Sequence[Picture], results: dict[str, ToolResult]
    ) -> None:
        gate, clock = asyncio.Semaphore(_AT_ONCE), asyncio.get_running_loop().time

        async def one(call: ToolCall) -> None:
            async with gate:
                with spans.step("tool"):
                    result = await _called(call, tooling.toolbox, pictures)
            await _end(call, result, results, tooling)

        began = clock()
        try:
            async with asyncio.timeout(self._seconds_left), asyncio.TaskGroup() as group:
                for call in calls:
                    group.create_task(one(call))
        except TimeoutError:
            for call in calls:
                if call.id not in results:
                    said = "The tools of this answer have taken too long; the call was ended."
                    await _end(call, ToolResult(call.id, said, failed=True), results, tooling)
        finally:
            self._seconds_left -= clock() - began


async def _called(call: ToolCall, toolbox: Toolbox, pictures: Sequence[Picture]) -> ToolResult:
    try:
        return await toolbox.call(call, pictures)
    except Exception:
        _log.exception("a tool failed")
        return ToolResult(call.id, "The tool failed.", failed=True)


async def _end(call: ToolCall, result: ToolResult, results: dict[str, ToolResult], tooling: Tooling) -> None:
    results[call.id] = result
    await tooling.view.result(call, result)


def named(calls: Sequence[ToolCall], before: int) -> None:
    """Gives an id to each call that has none, or one that another of them has, in the form that Kimi uses."""
    seen: set[str] = set()
    for number, call in enumerate(calls, before):
        if not call.id or call.id in seen:
            end = f":{number}"
            call.id = f"functions.{call.name}"[: LONGEST_NAME - len(end)] + end
        seen.add(call.id)


def chat_pictures(job: Job, toolbox: Toolbox) -> list[Picture]:
    """The pictures that tools can look at: those of the questions, then those of results in this answer."""
    found = [picture for turn in job.turns for picture in turn.pictures]
    for step in job.answer.steps:
        if isinstance(step, ToolResult):
            found += [Picture(str(toolbox.path_of(one)), one.name, one.width, one.height) for one in step.pictures]
    return found
