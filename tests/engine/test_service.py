"""A service and its process group, with real processes that crash, hang, fork and ignore signals."""

import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine import processes
from engine.identity import Identity
from engine.processes import Group, Record
from engine.status import Reason
from engine.supervise import hang_probe, heartbeat, scratch, service
from engine.supervise.scratch import Scratch
from engine.supervise.service import Launch, PermanentError, Service
from engine.system.atomic_write import replace_json
from engine.system.logs import RotatingLog
from tests.instruments.ports import free_port

HERE = Identity("a workspace", "1:2", "this boot", "pid:[1]")
PROGRAM = Path(__file__).parents[1] / "instruments" / "program.py"
LONG = 30.0


class Watched:
    """A service of the instrument program, and all that it reported."""

    def __init__(self, tmp_path: Path, *arguments: str, beats: bool = False) -> None:
        self.born = time.monotonic()
        self.beats = beats
        self.port = free_port()
        self.arguments = arguments
        self.events: list[dict[str, Any]] = []
        self.seen: dict[str, Any] = {}
        self.log = tmp_path / "program.log"
        self.changed = asyncio.Event()
        self.service = Service(
            "program",
            self.prepare,
            RotatingLog(self.log, 1_000_000),
            Record(tmp_path / "groups.json", HERE),
            self.report,
            cwd=tmp_path,
            grace=2.0,
            scratch=Scratch(tmp_path / "scratch", HERE),
        )
        self.task = asyncio.create_task(self.service.run())

    async def prepare(self, _: Callable[..., None]) -> Launch:
        argv = (sys.executable, str(PROGRAM), str(self.port), *self.arguments)
        url = f"http://127.0.0.1:{self.port}"
        question = hang_probe.tiny_question(f"{url}/v1", "it", "a key")
        return Launch(
            argv, dict(os.environ), "127.0.0.1", self.port, f"{url}/health", question=question, beats=self.beats
        )

    def report(self, **changes: Any) -> None:
        self.events.append(changes)
        self.seen |= changes
        self.changed.set()

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(LONG):
            while not condition(self.seen):
                self.changed.clear()
                await self.changed.wait()
        return dict(self.seen)

    async def healed(self) -> None:
        """The fault is fixed, and a user presses Retry."""
        self.arguments = ()
        self.service.retry()
        await self.until(ready)

    async def end(self) -> None:
        self.service.stop()
        await asyncio.wait_for(self.task, LONG)

    def reasons(self) -> list[str]:
        """The keys of the reasons that it reported."""
        return [event["reason"].key for event in self.events if event.get("reason")]

    def states(self) -> list[str]:
        return [event["state"] for event in self.events if "state" in event]


@pytest.fixture
async def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Watched]]:
    monkeypatch.setattr(service, "CHECK_EVERY", 0.2)
    started: list[Watched] = []

    def start(*arguments: str, beats: bool = False) -> Watched:
        started.append(Watched(tmp_path, *arguments, beats=beats))
        return started[-1]

    yield start
    for one in started:
        await one.end()


def noted_folder(note: Path) -> Path:
    """The folder that a note of `Scratch` names."""
    return Path(json.loads(note.read_text())["folder"])


def ready(seen: dict[str, Any]) -> bool:
    return seen.get("state") == "ready"


async def test_it_is_ready_only_when_it_answers(watch: Callable[..., Watched]) -> None:
    program = watch("--ready-after", "1", "--say", "hello")
    await program.until(ready)
    await program.end()
    assert program.states() == ["starting", "ready", "stopping", "stopped"]
    assert program.log.read_text() == "hello\n"


async def test_a_killed_process_is_restarted(watch: Callable[..., Watched]) -> None:
    program = watch()
    first = (await program.until(ready))["pid"]
    os.kill(first, signal.SIGKILL)
    await program.until(lambda seen: seen.get("state") == "starting")
    again = await program.until(ready)
    assert again["pid"] != first
    assert again["restarts"] == 1


async def test_a_killed_leader_takes_its_children_along(watch: Callable[..., Watched]) -> None:
    program = watch("--child")
    pid = (await program.until(ready))["pid"]
    children = psutil.Process(pid).children()
    assert len(children) == 1
    os.kill(pid, signal.SIGKILL)
    await program.until(lambda seen: seen.get("restarts") == 1 and ready(seen))
    assert not children[0].is_running() or children[0].status() == psutil.STATUS_ZOMBIE


async def test_its_leftovers_among_the_temporary_files_are_deleted_with_it(
    watch: Callable[..., Watched], tmp_path: Path
) -> None:
    program = watch("--litter")
    pid = (await program.until(ready))["pid"]
    first = noted_folder(tmp_path / "scratch")
    assert [path.is_socket() for path in first.iterdir()] == [True]
    assert (first.stat().st_mode & 0o777, len(str(first)) <= 60) == (0o700, True)
    os.kill(pid, signal.SIGKILL)
    await program.until(lambda seen: seen.get("restarts") == 1 and ready(seen))
    second = noted_folder(tmp_path / "scratch")
    assert (first.exists(), second.is_dir(), first != second) == (False, True, True)
    # Killed ourselves we could not remove it; the next life knows of it.
    Scratch(tmp_path / "scratch", HERE).remove()
    assert not second.exists()
    await program.end()
    assert not (tmp_path / "scratch").exists()


def test_only_a_folder_that_looks_like_ours_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chats").mkdir()
    (tmp_path / "kimi-engine-link").symlink_to(tmp_path / "chats")
    for named in ("chats", "kimi-engine-link", "kimi-engine-gone", ""):
        replace_json(tmp_path / "scratch", {"folder": str(tmp_path / named), "workspace": asdict(HERE)})
        Scratch(tmp_path / "scratch", HERE).remove()
    assert (tmp_path / "chats").is_dir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    monkeypatch.setattr(scratch, "_LONGEST_ROOT", 1000)
    assert Scratch(tmp_path / "scratch", HERE).make() is None, "where there is no room it does without"


async def test_one_that_ignores_the_request_to_end_is_killed(watch: Callable[..., Watched]) -> None:
    program = watch("--deaf")
    pid = (await program.until(ready))["pid"]
    await program.end()
    assert not psutil.pid_exists(pid)


async def test_one_that_runs_but_no_longer_answers_is_started_again(watch: Callable[..., Watched]) -> None:
    program = watch("--unhealthy-after", "2")
    first = (await program.until(ready))["pid"]
    await program.until(lambda seen: seen.get("restarts") == 1 and ready(seen))
    assert program.seen["pid"] != first
    assert "no_longer_answers" in program.reasons()


@pytest.mark.parametrize(("questions_are", "reason"), [("hang", "hangs"), ("fail", "answers_with_errors")])
async def test_one_that_is_healthy_but_answers_no_question_is_started_again(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch, questions_are: str, reason: str
) -> None:
    monkeypatch.setattr(hang_probe, "ASK_EVERY", 0.1)
    monkeypatch.setattr(hang_probe, "HUNG_AFTER", 1.0)
    program = watch("--questions", questions_are)
    first = (await program.until(ready))["pid"]
    program.arguments = ()
    await program.until(lambda seen: seen.get("restarts") == 1 and ready(seen))
    assert program.seen["pid"] != first
    assert reason in program.reasons()


async def test_one_that_is_busy_with_others_is_left_alone(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hang_probe, "ASK_EVERY", 0.1)
    monkeypatch.setattr(hang_probe, "HUNG_AFTER", 1.0)
    program = watch("--questions", "busy")
    first = (await program.until(ready))["pid"]
    await asyncio.sleep(4)
    assert (program.seen["pid"], program.seen["restarts"]) == (first, 0)
    assert ready(program.seen)


async def test_crashes_without_ever_being_ready_end_as_failed_and_retry_leaves_that(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BACKOFF_LONGEST", 0.05)
    program = watch("--ready-after", "99", "--exit-after", "0.1")
    failed = await program.until(lambda seen: seen.get("state") == "failed")
    assert failed["restarts"] == service.CRASHES_BEFORE_FAILED - 1
    assert failed["reason"].key == "exited_saying"
    assert failed["reason"].values["status"] == 3
    assert "leaving as told" in failed["reason"].values["line"]
    await program.healed()


@pytest.mark.parametrize("questions_are", ["fail", "hang"])
async def test_one_that_comes_up_but_never_answers_a_question_ends_as_failed(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch, questions_are: str
) -> None:
    monkeypatch.setattr(service, "BACKOFF_LONGEST", 0.05)
    monkeypatch.setattr(service, "CRASHES_BEFORE_FAILED", 3)
    monkeypatch.setattr(hang_probe, "ASK_EVERY", 0.05)
    monkeypatch.setattr(hang_probe, "HUNG_AFTER", 0.5)
    program = watch("--questions", questions_are)
    failed = await program.until(lambda seen: seen.get("state") == "failed")
    assert (failed["restarts"], failed["reason"], failed["pid"]) == (2, Reason("answers_nothing"), None)
    assert program.states().count("ready") == 3
    await program.healed()


@pytest.mark.parametrize("questions_are", ["tire", "refuse"])
async def test_one_that_gives_good_answers_between_is_started_again_and_again(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch, questions_are: str
) -> None:
    monkeypatch.setattr(service, "BACKOFF_LONGEST", 0.05)
    monkeypatch.setattr(service, "CRASHES_BEFORE_FAILED", 2)
    monkeypatch.setattr(hang_probe, "ASK_EVERY", 0.05)
    program = watch("--questions", questions_are)
    await program.until(lambda seen: seen.get("restarts") == 3 and ready(seen))
    assert "failed" not in program.states()


async def test_a_permanent_error_fails_at_once(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    failed = asyncio.Event()

    def report(**changes: Any) -> None:
        seen.update(changes)
        if changes.get("state") == "failed":
            failed.set()

    async def prepare(_: Callable[..., None]) -> Launch:
        raise PermanentError(Reason("weights_missing"))

    log, record = RotatingLog(tmp_path / "a.log", 1000), Record(tmp_path / "r.json", HERE)
    it = Service("program", prepare, log, record, report, cwd=tmp_path)
    task = asyncio.create_task(it.run())
    await asyncio.wait_for(failed.wait(), LONG)
    assert seen["reason"] == Reason("weights_missing")
    it.stop()
    await asyncio.wait_for(task, LONG)


async def test_a_taken_port_names_who_holds_it(watch: Callable[..., Watched]) -> None:
    holder = watch()
    pid = (await holder.until(ready))["pid"]
    found = processes.port_holder("127.0.0.1", holder.port)
    assert found is not None
    assert f"(pid {pid})" in found
    assert processes.port_holder("127.0.0.1", free_port()) is None


async def test_a_group_is_known_again_after_its_leader_died(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", "import subprocess, sys; subprocess.Popen(['sleep', '600']); print('up', flush=True)")
    process, output = await processes.start(argv, dict(os.environ), tmp_path)
    group = Group.of(process.pid)
    await output.readline()
    await process.wait()
    record = Record(tmp_path / "groups.json", HERE)
    record.add("engine", group)
    left = Record(tmp_path / "groups.json", HERE).left_behind()
    assert left == [group]
    await processes.end(left[0], grace=5)
    assert Record(tmp_path / "groups.json", HERE).left_behind() == []
    assert await output.read() == b""


async def test_a_group_is_known_again_after_the_clock_was_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    process, _ = await processes.start(
        (sys.executable, "-c", "import time; time.sleep(600)"), dict(os.environ), tmp_path
    )
    Record(tmp_path / "groups.json", HERE).add("engine", group := Group.of(process.pid))
    booted = psutil.boot_time()
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: booted + 366 * 86400)
    assert psutil.Process(process.pid).create_time() > time.time() + 365 * 86400, "this is what setting the clock does"
    assert Record(tmp_path / "groups.json", HERE).left_behind() == [group]
    await processes.end(group, grace=5)
    assert await process.wait() < 0


async def test_one_that_is_gone_at_once_is_no_surprise(tmp_path: Path) -> None:
    process, _ = await processes.start((sys.executable, "-c", ""), dict(os.environ), tmp_path)
    await process.wait()
    with pytest.raises(ProcessLookupError):
        Group.of(process.pid)


async def test_a_process_id_that_was_reused_is_left_alone() -> None:
    ours = Group.of(os.getpid())
    assert Group(ours.sid, ours.started - 0.01).members() == []


@pytest.mark.parametrize("field", ["id", "lock", "boot", "namespace"])
async def test_processes_of_another_workspace_are_neither_ended_nor_deleted(tmp_path: Path, field: str) -> None:
    process, _ = await processes.start(("sleep", "600"), dict(os.environ), tmp_path)
    Record(tmp_path / "groups.json", HERE).add("engine", group := Group.of(process.pid))
    folder = Scratch(tmp_path / "scratch", HERE).make()
    other = replace(HERE, **{field: "another"})
    assert Record(tmp_path / "groups.json", other).left_behind() == []
    Scratch(tmp_path / "scratch", other).remove()
    assert folder is not None
    assert folder.is_dir()
    folder.rmdir()
    assert Record(tmp_path / "groups.json", HERE).left_behind() == [group]
    await processes.end(group, grace=5)
    await process.wait()


async def test_a_session_whose_id_was_reused_is_left_alone_without_its_leader(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", "import subprocess, sys; subprocess.Popen(['sleep', '600']); print('up', flush=True)")
    process, output = await processes.start(argv, dict(os.environ), tmp_path)
    group = Group.of(process.pid)
    await output.readline()
    await process.wait()
    recorded = Record(tmp_path / "groups.json", HERE)
    recorded.add("engine", replace(group, output="pipe:[1]"))
    assert recorded.left_behind() == [], "the same id, but no process in it writes to our pipe"
    recorded.add("engine", group)
    assert recorded.left_behind() == [group]
    await processes.end(group, grace=5)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"engine": {"sid": 1, "started": 1.0, "boot": "this boot"}}', '{"workspace": 5, "groups": {}}'],
    ids=["empty", "a list", "nothing", "of an older version", "damaged"],
)
def test_a_record_that_names_no_workspace_is_of_no_process_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "groups.json").write_text(text)
    assert Record(tmp_path / "groups.json", HERE).left_behind() == []


async def test_a_record_of_a_newer_version_is_read_as_far_as_it_is_known(tmp_path: Path) -> None:
    process, _ = await processes.start(("sleep", "600"), dict(os.environ), tmp_path)
    group = Group.of(process.pid)
    newer = {"sid": group.sid, "started": group.started, "output": group.output, "colour": "blue"}
    names = asdict(HERE) | {"planet": "Earth"}
    record = {"version": 9, "workspace": names, "groups": {"engine": newer, "page": {"number": 1}}, "more": 1}
    replace_json(tmp_path / "groups.json", record)
    assert Record(tmp_path / "groups.json", HERE).left_behind() == [group]
    await processes.end(group, grace=5)
    await process.wait()


async def test_one_that_is_full_but_works_is_left_alone_and_one_that_hangs_is_not(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "SILENT_AFTER", 3.0)
    program = watch("--deaf-ears-after", "1", "--heart-stops-after", "9", beats=True)
    first = (await program.until(ready))["pid"]
    full = await program.until(lambda _: "takes_no_connection" in program.reasons())
    assert (full["pid"], full["restarts"], full["state"]) == (first, 0, "ready")
    assert re.search(r"\d+ of \d+ files are open", full["reason"].values["files"])
    program.arguments = ()
    again = await program.until(lambda seen: seen.get("restarts") == 1 and ready(seen))
    assert again["pid"] != first
    assert time.monotonic() - program.born > 9, "it was left alone as long as its heart beat"


async def test_one_that_answers_no_health_check_for_long_is_restarted_even_if_it_works(
    watch: Callable[..., Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SPARED_SECONDS", 3.0)
    program = watch("--deaf-ears-after", "1", beats=True)
    await program.until(ready)
    program.arguments = ()
    await program.until(lambda seen: seen.get("restarts") == 1 and ready(seen))


async def test_a_server_that_runs_elsewhere_is_watched_and_never_started(tmp_path: Path) -> None:
    port = free_port()
    argv = (sys.executable, str(PROGRAM), str(port))
    seen: dict[str, Any] = {}
    ready_seen = asyncio.Event()

    def report(**changes: Any) -> None:
        seen.update(changes)
        if changes.get("state") == "ready":
            ready_seen.set()

    async def prepare(_: Callable[..., None]) -> Launch:
        return Launch((), {}, "", 0, f"http://127.0.0.1:{port}/health")

    log, record = RotatingLog(tmp_path / "a.log", 1000), Record(tmp_path / "r.json", HERE)
    task = asyncio.create_task((it := Service("engine", prepare, log, record, report, cwd=tmp_path)).run())
    await asyncio.sleep(1)
    assert seen["state"] == "starting"
    process, output = await processes.start(argv, dict(os.environ), tmp_path)
    await asyncio.wait_for(ready_seen.wait(), LONG)
    assert seen["pid"] is None
    it.stop()
    await asyncio.wait_for(task, LONG)
    assert process.returncode is None
    await processes.end(Group.of(process.pid), grace=5)
    await process.wait()
    assert await output.read() == b""
