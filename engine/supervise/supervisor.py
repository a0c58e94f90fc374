"""Starts, watches and ends the engine and the web process; reports to `run/status.json` and the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from engine import processes, wording
from engine.access.passwords import People
from engine.config import ROOT, Settings, secret
from engine.engines.choice import make_plan
from engine.engines.reader import reader_plan, stand_in
from engine.engines.registry import engine_of
from engine.engines.watcher import Watcher
from engine.identity import Identity
from engine.install.fetching import Report
from engine.machine.address import address_for_others
from engine.machine.open_files import raise_open_files
from engine.plans.launch import LaunchPlan, PlanError
from engine.processes import Record
from engine.status import Phase, Reason, Status
from engine.supervise import control, timeline, workspace_lock
from engine.supervise.elsewhere import Elsewhere
from engine.supervise.hang_probe import tiny_question
from engine.supervise.page_log import PageLog
from engine.supervise.prepare import prepare
from engine.supervise.scratch import Scratch
from engine.supervise.service import Launch, PermanentError, Service, port_held
from engine.supervise.succession import Succession, in_words
from engine.supervise.terminal_question import TerminalQuestion
from engine.supervise.tool_host import launch_tools
from engine.system.environment import without_secrets
from engine.system.logs import RotatingLog
from engine.system.outgoing import masked
from engine.wording import sentence

_LOOK_SECONDS = 2.0
"""How often it checks that its workspace still exists."""
_PUBLISH_AGAIN = 2.0
"""Seconds until it retries to write a status."""


class AlreadyRunningError(Exception):
    """Another supervisor holds this workspace."""


class CannotStartError(Exception):
    """Nothing was started; the text says why and what to do."""


class WorkspaceLostError(Exception):
    """The workspace was deleted while it ran, and everything was stopped; the text says what to do."""


def _print(line: str) -> None:
    # Python would buffer lines to a pipe, as under docker or nohup. A broken pipe or a full disk must not end the work.
    with contextlib.suppress(OSError):
        print(line, flush=True)


class Supervisor:
    """The parent process of the engine and the web process."""

    def __init__(self, settings: Settings, print_line: Callable[[str], None] = _print) -> None:
        self._settings = settings
        self._files = settings.files
        self._print_line = print_line
        self._status = Status().with_page(url=settings.page_url, url_for_others=address_for_others(settings))
        # Both engines write to one log: of two that rotate the same files, each would drop a kept one.
        self._llm_log = self._log("llm.log")
        self._services: list[Service] = []
        self._plan: LaunchPlan | None = None
        self._stand_in: LaunchPlan | None = None
        self._meanwhile: LaunchPlan | None = None
        self._answered = False
        self._succession = Succession(settings, self)
        self._question = TerminalQuestion(self._files, print_line)
        self._again: asyncio.TimerHandle | None = None
        # Made once the lock is held, because the lock file is part of the identity that they record.
        self._record: Record
        self._scratch: Scratch

    def run(self) -> None:
        """Runs until SIGINT, SIGTERM or SIGHUP.

        Raises:
            AlreadyRunningError: this workspace has a supervisor.
            CannotStartError: a port is taken, the workspace can't be written, or a restore was not finished.
            WorkspaceLostError: the workspace was deleted while it ran.
        """
        raise_open_files()
        with contextlib.ExitStack() as stack:
            try:
                self._files.create()
                held = stack.enter_context(workspace_lock.holding(self._files.lock))
                self._take_over()
            except workspace_lock.HeldError:
                where = Status.read(self._files.status).page.url or "it is just starting"
                raise AlreadyRunningError(f"Kimi-VL Chat already runs in {self._files.root}: {where}.") from None
            except OSError as error:
                raise CannotStartError(
                    f"The workspace {self._files.root} can't be written ({error.strerror}): "
                    "make room and give this user the right to write there, or choose another (KIMI_WORKSPACE)."
                ) from None
            asyncio.run(self._run(held))
            if held.is_lost():
                raise WorkspaceLostError(
                    f"{self._files.run} was deleted while Kimi-VL Chat ran, so it has stopped. Start it again; "
                    "restore what is missing from a backup (./start.sh restore)."
                )

    def _take_over(self) -> None:
        if self._files.restoring.exists():
            raise CannotStartError(
                f"A restore into {self._files.root} was interrupted; finish it: ./start.sh restore --force "
                f"{shlex.quote(self._files.restoring.read_text().strip())}"
            )
        identity = Identity.of(self._files)
        control.note_this_process(self._files, identity)
        self._record = Record(self._files.groups, identity)
        self._scratch = Scratch(self._files.scratch, identity)

    async def _run(self, held: workspace_lock.Held) -> None:
        await self._sweep()
        self._check_ports()
        self._publish()
        # The web process first: that is what users wait for.
        self._services = [self._page(), self._engine(), self._tools()]
        self._succession.begin()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(control.RETRY, self._retry)
        looking = asyncio.create_task(self._stop_when_lost(held))
        async with asyncio.TaskGroup() as group:
            for service in self._services:
                group.create_task(service.run())
            group.create_task(self._succession.run())
        looking.cancel()

    async def _stop_when_lost(self, held: workspace_lock.Held) -> None:
        """Stops when the folder is gone: `./start.sh stop` could not find it, and no question would be answered."""
        while not held.is_lost():
            await asyncio.sleep(_LOOK_SECONDS)
        self._stop()

    def _stop(self) -> None:
        self._print_line("Stopping …")
        self._question.drop()
        self._succession.stop()
        for service in self._services:
            service.stop()

    def _retry(self) -> None:
        for service in self._services:
            service.retry()

    async def _sweep(self) -> None:
        for group in self._record.left_behind():
            self._print_line(f"Ending processes that an earlier run left behind (process group {group.sid}).")
            await processes.end(group, grace=5.0)
        self._scratch.remove()

    def _check_ports(self) -> None:
        wanted = [(self._settings.host, self._settings.port)]
        if not self._settings.remote:
            wanted.append(("127.0.0.1", self._settings.engine_port))
        for host, port in wanted:
            if holder := processes.port_holder(host, port):
                raise CannotStartError(sentence(port_held(port, holder)))

    def _engine(self) -> Service:
        return Service(
            "engine", self._launch_engine, self._llm_log, self._record, self._first_engine_changed,
            cwd=ROOT, grace=20.0, watcher=self._watcher, instead=self._give_up, scratch=self._scratch,
        )  # fmt: skip

    def _page(self) -> Service:
        return Service(
            "page", self._launch_page, self._log("app.log"), self._record, self._page_changed,
            cwd=ROOT, grace=10.0, watcher=PageLog,
        )  # fmt: skip

    def _tools(self) -> Service:
        return Service(
            "tools", partial(launch_tools, self._settings), self._log("tools.log"), self._record, self._tools_changed,
            cwd=ROOT, grace=10.0,
        )  # fmt: skip

    def successor(
        self, launch: Callable[[Report], Awaitable[Launch]], report: Callable[..., None], watcher: Callable[[], Watcher]
    ) -> Service:
        """A second engine beside the first, which stops with everything else."""
        service = Service(
            "next engine", launch, self._llm_log, self._record, report, cwd=ROOT, grace=20.0, watcher=watcher,
        )  # fmt: skip
        self._services.append(service)
        return service

    def retire_first(self) -> None:
        """Ends the engine that was started first."""
        self._services[1].stop()

    def _log(self, name: str) -> RotatingLog:
        return RotatingLog(self._files.root / name, self._settings.log_mb * 1_000_000)

    def _watcher(self) -> Watcher:
        return engine_of(self._status.engine.kind).watcher()

    async def _launch_engine(self, report: Report) -> Launch | None:
        if self._succession.taken_over:
            # It ended before it was retired.
            self.retire_first()
            return None
        report(Phase.PREPARING, None)
        plan = self._stand_in or await self._prepared(report)
        self.show(plan)
        return self.launch_of(plan, self._settings.engine_port)

    def launch_of(self, plan: LaunchPlan, port: int) -> Launch:
        """What starts the plan's engine at this port, and how it shows that it answers."""
        if not plan.argv:
            # All that we know about somebody else's server is its API.
            headers = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"}
            server = Elsewhere(plan.base_url, plan.served_name, headers)
            return Launch((), {}, "", 0, server.models_url, elsewhere=server)
        ready_url = plan.base_url.removesuffix("/v1") + plan.ready_path
        env = without_secrets() | plan.env | {plan.key_env: secret(self._files.engine_key)}
        question, engine = None, engine_of(plan.engine)
        if engine.probed:
            key = secret(self._files.engine_key)
            question = tiny_question(plan.base_url, plan.served_name, key, engine.work_metrics)
        return Launch(plan.argv, env, "127.0.0.1", port, ready_url, question=question)

    async def _prepared(self, report: Report) -> LaunchPlan:
        if self._meanwhile:
            # Once its weights are here, the better engine would be planned; but that is the successor's to start.
            return self._meanwhile
        try:
            plan = await asyncio.to_thread(make_plan, self._settings)
        except PlanError as error:
            raise PermanentError(Reason.of_text(str(error))) from None
        if plan.to_fetch:
            self._succession.want(plan)
            self._meanwhile = reader_plan(self._settings, "reader.meanwhile", plan.reasons)
            return self._meanwhile
        self.show(plan)
        try:
            return await prepare(plan, self._settings, report)
        except PermanentError as error:
            if self._give_up(error.reason) and self._stand_in:
                return self._stand_in
            raise

    def _give_up(self, reason: Reason) -> bool:
        """Whether the reader replaces an engine that never became ready; the page's banner then says why."""
        self._stand_in = None if self._answered else stand_in(self._settings, reason, self._plan)
        if self._stand_in:
            self._print_line(sentence(reason))
        return self._stand_in is not None

    def show(self, plan: LaunchPlan) -> None:
        """Has the page and everybody else know what answers."""
        self._plan = plan
        plan.write(self._files.plan)
        self.engine_changed(kind=plan.engine, model=plan.model, base_url=masked(plan.base_url))

    async def _launch_page(self, report: Report) -> Launch:
        env = page_environment(self._settings)
        url = self._settings.page_url
        argv = (sys.executable, "-m", "app")
        return Launch(argv, env, self._settings.host, self._settings.port, url + "/healthz", beats=True)

    def _publish(self) -> None:
        """Writes the status; retries until the disk accepts it."""
        if self._again:
            self._again.cancel()
        try:
            self._status.write(self._files.status)
            self._again = None
        except OSError as error:
            if self._again is None:
                self._print_line(f"The status can't be written ({error.strerror}): make room in {self._files.root}.")
            self._again = asyncio.get_running_loop().call_later(_PUBLISH_AGAIN, self._publish)

    def _note(self, part: str, state: str, phase: Phase, reason: Reason | None) -> None:
        with contextlib.suppress(OSError):
            timeline.note(self._files.timeline, part, state, phase, reason)

    def coming_changed(self, **changes: Any) -> None:
        """Tells of the better engine on its way."""
        before = self._status.coming.state
        self._status = self._status.with_coming(**changes)
        self._publish()
        after = self._status.coming
        if after.state != before:
            self._print_line(in_words(after))
            if after.state == "asking":
                self._question.ask()
            else:
                self._question.drop()

    def _first_engine_changed(self, **changes: Any) -> None:
        if not self._succession.taken_over:
            self.engine_changed(**changes)

    def engine_changed(self, **changes: Any) -> None:
        """Reports on the engine that answers."""
        before = self._status.engine
        self._status = self._status.with_engine(**changes)
        self._publish()
        after = self._status.engine
        self._answered |= after.state == "ready"
        if (after.state, after.phase, after.reason) != (before.state, before.phase, before.reason):
            self._note("engine", after.state, after.phase, after.reason)
            percent = f" {after.percent:.0f} %" if after.percent is not None else ""
            said = wording.report(after.phase, after.reason)
            name = f"engine ({after.kind})" if after.kind else "engine"
            self._print_line(f"{name}: {after.state}{': ' + said if said else ''}{percent}")

    def _tools_changed(self, **changes: Any) -> None:
        if reason := changes.get("reason"):
            self._print_line(f"tools: {sentence(reason)}")

    def _page_changed(self, **changes: Any) -> None:
        before = self._status.page.state
        for name in ("phase", "percent"):
            changes.pop(name, None)
        reason = changes.get("reason")
        self._status = self._status.with_page(**changes)
        self._publish()
        if self._status.page.state == before and not reason:
            return
        self._note("page", self._status.page.state, Phase.NONE, reason)
        if self._status.page.state == "ready":
            self._print_line(f"The page is at {self._where()}{self._password_hint()}")
        else:
            self._print_line(f"page: {self._status.page.state}{': ' + sentence(reason) if reason else ''}")

    def _where(self) -> str:
        page = self._status.page
        others = page.url_for_others if page.url_for_others != page.url else ""
        return f"{page.url}, for others at {others}" if others else page.url

    def _password_hint(self) -> str:
        if self._settings.for_this_machine or self._settings.auth_header:
            return ""
        if self._settings.password.get_secret_value():
            return " (the password is your KIMI_PASSWORD)"
        if People(self._files.people).names():
            # The generated password ended with the first of them.
            return " (sign in with your name and password)"
        return f" (password: {secret(self._files.password, 9)})"


def page_environment(settings: Settings) -> dict[str, str]:
    """Our environment, with the user's OpenAI key and address only if a remote engine uses them."""
    hidden = ("LITERAL_",) if settings.remote else ("LITERAL_", "OPENAI_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
