"""One supervised program: started, awaited until it answers, restarted when it dies, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import processes
from engine.engines.watcher import Watcher
from engine.lazily import aiohttp
from engine.machine.open_files import open_files_of
from engine.processes import Group, Record
from engine.status import Phase, Reason, Value, now
from engine.supervise.elsewhere import Elsewhere
from engine.supervise.hang_probe import Question, until_stuck
from engine.supervise.heartbeat import Heart
from engine.supervise.scratch import Scratch
from engine.system.logs import RotatingLog
from engine.wording import sentence

PROBE_EVERY = 0.2
"""Seconds between two readiness checks, and so the delay with which readiness is noticed."""
CHECK_EVERY = 1.0
"""Seconds between two health checks of a program that is ready."""
UNHEALTHY_AFTER = 5
"""Failed checks in a row after which a running program is restarted. One that reports itself broken (503: vLLM without
its EngineCore) is restarted at once."""
SPARED_SECONDS = 900.0
"""How long a program that fails its checks is left alone while its heartbeat shows that it works."""
CHECK_TIMEOUT = 20.0
BACKOFF_LONGEST = 300.0
CRASHES_BEFORE_FAILED = 5
"""Starts in a row that never became ready, or that had to be ended without one good answer."""
LAST_LINES = 5


class PermanentError(Exception):
    """A restart would not help; `reason` says why, with the way out."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(sentence(reason))
        self.reason = reason


@dataclass(frozen=True)
class Launch:
    """What to start and how to check that it answers. With an empty `argv` it runs elsewhere and is only watched."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    host: str
    port: int
    ready_url: str
    ready_headers: Mapping[str, str] = field(default_factory=dict)
    question: Question | None = None
    """What to ask it now and then, beside its health."""
    elsewhere: Elsewhere | None = None
    """The server that is watched, where `argv` is empty."""
    beats: bool = False
    """Whether it has a `Heart`. If that beats while its health checks fail, it is full or busy and is left alone."""


@dataclass(frozen=True)
class _Ended:
    """How one run of the program ended."""

    was_ready: bool
    reason: Reason | None
    permanent: bool = False
    answered: bool = False
    """Whether it gave a good answer."""
    stuck: bool = False
    """Whether it was ended because it no longer answered."""


class Service:
    """Owns one program. `run` is its only task; the other methods ask it to stop or to retry."""

    def __init__(
        self,
        name: str,
        prepare: Callable[[Callable[[Phase, float | None], None]], Awaitable[Launch]],
        log: RotatingLog,
        record: Record,
        report: Callable[..., None],
        *,
        cwd: Path,
        grace: float = 15.0,
        watcher: Callable[[], Watcher] = Watcher,
        instead: Callable[[Reason], bool] = lambda _: False,
        scratch: Scratch | None = None,
    ) -> None:
        """Takes what is needed to start and to watch the program.

        `instead` is called with the reason when the program is given up; True means that `prepare` now returns
        something else to start at once. `scratch` is where its temporary files go; None: the system's folder.
        """
        self._name = name
        self._prepare = prepare
        self._log = log
        self._record = record
        self._report = report
        self._cwd = cwd
        self._grace = grace
        self._watcher = watcher
        self._instead = instead
        self._scratch = scratch
        self._stopping = asyncio.Event()
        self._retrying = asyncio.Event()
        self._restarts = 0

    def stop(self) -> None:
        """Asks it to stop; `run` returns when the program is gone."""
        self._stopping.set()
        self._retrying.set()

    def retry(self) -> None:
        """Ends a wait: the next start happens now, even after `failed`."""
        self._retrying.set()

    async def run(self) -> None:
        """Keeps the program alive until `stop`."""
        crashes = stuck = 0
        while not self._stopping.is_set():
            ended = await self._one_life()
            if self._stopping.is_set():
                break
            crashes = 1 if ended.was_ready else crashes + 1
            stuck = ended.stuck + (0 if ended.answered else stuck)
            self._restarts += 1
            reason = Reason("answers_nothing") if stuck >= CRASHES_BEFORE_FAILED else ended.reason
            given_up = ended.permanent or max(crashes, stuck) >= CRASHES_BEFORE_FAILED
            if given_up and reason and self._instead(reason):
                crashes = stuck = 0
            elif given_up:
                self._say(state="failed", reason=reason, pid=None)
                await self._retrying.wait()
                crashes = stuck = 0
            else:
                self._say(state="starting", reason=reason, pid=None)
                await self._pause(min(2.0 ** (max(crashes, stuck) - 1), BACKOFF_LONGEST))
            self._retrying.clear()
        self._log.close()
        self._say(state="stopped", pid=None)

    async def _one_life(self) -> _Ended:
        self._say(state="starting", pid=None, restarts=self._restarts)
        try:
            launch = await self._until_stopped(self._prepare(self._progress))
            if launch is None:
                return _Ended(was_ready=False, reason=None)
            if not launch.argv:
                return await self._watch_elsewhere(launch)
            if holder := processes.port_holder(launch.host, launch.port):
                return _Ended(was_ready=False, reason=port_held(launch.port, holder))
            process, output, heart = await self._started(launch)
        except PermanentError as error:
            return _Ended(was_ready=False, reason=error.reason, permanent=True)
        except OSError as error:
            # A full disk, too many open files or too many processes may pass.
            permanent = isinstance(error, FileNotFoundError | PermissionError)
            said = str(error) if permanent else error.strerror or str(error)
            return _Ended(was_ready=False, reason=Reason("not_started", {"error": said}), permanent=permanent)
        return await self._attend(process, output, launch, heart)

    async def _started(self, launch: Launch) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader, Heart | None]:
        folder = self._scratch.make() if self._scratch else None
        # Its output goes into a UTF-8 log, whatever the encoding of the terminal that started us.
        env = dict(launch.env) | {"PYTHONIOENCODING": "utf-8"} | ({"TMPDIR": str(folder)} if folder else {})
        if not launch.beats:
            return *await processes.start(launch.argv, env, self._cwd), None
        with Heart.pair() as (heart, descriptor):
            env |= heart.environment(descriptor)
            return *await processes.start(launch.argv, env, self._cwd, keep=(descriptor,)), heart

    async def _attend(
        self,
        process: asyncio.subprocess.Process,
        output: asyncio.StreamReader,
        launch: Launch,
        heart: Heart | None,
    ) -> _Ended:
        try:
            group = Group.of(process.pid)
        except ProcessLookupError:
            group = Group(process.pid, 0.0, "")
        self._record.add(self._name, group)
        self._say(pid=process.pid)
        life = _Life(process, self._watcher(), self._log, self._progress)
        reader = asyncio.create_task(life.read(output))
        probe = asyncio.create_task(self._probe(launch, life.note_ready, life.note_answer, heart, process.pid))
        exited = asyncio.create_task(process.wait())
        stop = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({probe, exited, stop}, return_when=asyncio.FIRST_COMPLETED)
            reason = probe.result() if probe.done() else None
            # Report it at once, because ending the group may take a while: the program is no longer ready.
            self._say(state="stopping" if stop.done() else "starting")
        finally:
            for task in (probe, stop):
                task.cancel()
            await processes.end(group, self._grace)
            await exited
            await reader
            if heart:
                heart.close()
            self._record.remove(self._name)
            if self._scratch:
                await asyncio.to_thread(self._scratch.remove)
        return life.ended(reason)

    async def _watch_elsewhere(self, launch: Launch) -> _Ended:
        """Watches a server that we do not start; asks again until it answers."""
        probe = asyncio.create_task(self._probe(launch, lambda: None, lambda: None))
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({probe, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in (probe, stop):
            task.cancel()
        return _Ended(was_ready=True, reason=probe.result() if probe.done() and not probe.cancelled() else None)

    async def _probe(
        self,
        launch: Launch,
        note_ready: Callable[[], None],
        note_answer: Callable[[], None],
        heart: Heart | None = None,
        pid: int = 0,
    ) -> Reason:
        """Checks until it is ready, then keeps checking; returns why it must be restarted."""
        timeout, url = aiohttp.ClientTimeout(total=CHECK_TIMEOUT), launch.ready_url
        async with aiohttp.ClientSession(
            timeout=timeout, headers=dict(launch.ready_headers), trust_env=launch.elsewhere is not None
        ) as session:
            reason = await launch.elsewhere.until_it_answers(self._refused) if launch.elsewhere else None
            while await _ask(session, url) != 200:
                await asyncio.sleep(PROBE_EVERY)
            note_ready()
            self._say(state="ready", reason=reason)
            checks = [asyncio.create_task(self._until_unhealthy(session, url, heart, pid))]
            if launch.question:
                checks.append(asyncio.create_task(until_stuck(session, launch.question, note_answer)))
            else:
                # Without a question, its health is all that we can know.
                note_answer()
            try:
                done, _ = await asyncio.wait(checks, return_when=asyncio.FIRST_COMPLETED)
                return done.pop().result()
            finally:
                for check in checks:
                    check.cancel()

    async def _until_unhealthy(self, session: aiohttp.ClientSession, url: str, heart: Heart | None, pid: int) -> Reason:
        clock = asyncio.get_running_loop().time
        failures, answered, spared = 0, clock(), False
        while True:
            await asyncio.sleep(CHECK_EVERY)
            answer = await _ask(session, url)
            alive = heart is not None and heart.beats()
            if answer == 200:
                if spared:
                    self._say(reason=Reason("answers_again"))
                failures, answered, spared = 0, clock(), False
                continue
            # With a heartbeat, 503 may only mean that it is full.
            failures = UNHEALTHY_AFTER if answer == 503 and not alive else failures + 1
            if failures < UNHEALTHY_AFTER:
                continue
            if not alive or clock() - answered > SPARED_SECONDS:
                return Reason("no_longer_answers", {"url": url})
            if not spared:
                self._say(reason=Reason("takes_no_connection", {"files": open_files_of(pid)}))
            spared = True

    async def _until_stopped(self, work: Awaitable[Launch]) -> Launch | None:
        task = asyncio.ensure_future(work)
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            return task.result()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._retrying.wait(), seconds)

    def _progress(self, phase: Phase, percent: float | None, waits: Reason | None = None) -> None:
        self._report(phase=phase, percent=percent, reason=waits)

    def _refused(self, reason: Reason) -> None:
        """Reports why a server elsewhere can't be used, and writes it to the log, which has nothing else then."""
        self._log.write(f"{now()} {sentence(reason)}\n".encode())
        self._report(phase=Phase.NONE, percent=None, reason=reason)

    def _say(self, **changes: Any) -> None:
        """Reports the changes; a new state resets the phase and the reason unless they are given."""
        if "state" in changes:
            changes = {"since": now(), "phase": Phase.NONE, "percent": None, "reason": None} | changes
        self._report(**changes)


class _Life:
    """One run of the program, from its start to its end."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        watcher: Watcher,
        log: RotatingLog,
        progress: Callable[[Phase, float | None, Reason | None], None],
    ) -> None:
        self.was_ready = False
        self._answered = False
        self._process = process
        self._watcher = watcher
        self._log = log
        self._progress = progress
        self._last: list[str] = []

    def note_ready(self) -> None:
        """Records that it is ready."""
        self.was_ready = True

    def note_answer(self) -> None:
        """Records that it gave a good answer."""
        self._answered = True

    async def read(self, output: asyncio.StreamReader) -> None:
        """Copies the output to the log as it comes, and feeds each line to the watcher."""
        unfinished = ""
        while data := await output.read(65536):
            self._log.write(data)
            *lines, unfinished = re.split(r"[\r\n]+", unfinished + data.decode(errors="replace"))
            for line in lines:
                self._see(line)
        if unfinished:
            self._see(unfinished)
            self._log.write(b"\n")

    def ended(self, reason: Reason | None) -> _Ended:
        """How it ended: the given reason, else what its output said, else its exit status and last line."""
        failure = self._watcher.failure
        if reason:
            return _Ended(self.was_ready, reason, answered=self._answered, stuck=True)
        if failure is not None:
            permanent = failure.permanent and not self.was_ready
            return _Ended(self.was_ready, failure.reason, permanent, self._answered)
        return _Ended(self.was_ready, self._exit(), answered=self._answered)

    def _exit(self) -> Reason:
        code = self._process.returncode or 0
        values: dict[str, Value] = {"signal": -code} if code < 0 else {"status": code}
        key = "killed" if code < 0 else "exited"
        if not self._last:
            return Reason(key, values)
        return Reason(f"{key}_saying", values | {"line": self._last[-1][:300]})

    def _see(self, line: str) -> None:
        if not line.strip():
            return
        self._last = [*self._last[-LAST_LINES:], line.strip()]
        before = self._seen()
        self._watcher.feed(line)
        if not self.was_ready and self._seen() != before:
            self._progress(*self._seen())

    def _seen(self) -> tuple[Phase, float | None, Reason | None]:
        return self._watcher.phase, self._watcher.percent, self._watcher.waits


def port_held(port: int, holder: str) -> Reason:
    """Another program has the port."""
    return Reason("port_held", {"port": port, "holder": holder})


async def _ask(session: aiohttp.ClientSession, url: str) -> int | None:
    """The HTTP status; None if there was no answer."""
    try:
        async with session.get(url) as reply:
            return reply.status
    except (aiohttp.ClientError, TimeoutError):
        return None
