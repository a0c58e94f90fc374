"""Process groups: starts one that dies with us, ends all of one, finds those that an earlier run left behind."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from engine.identity import Identity
from engine.system.atomic_write import replace_json

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Group:
    """A session that we started, as recorded on disk, to recognise it again after a restart."""

    sid: int
    started: float
    """The leader's `start_time`."""
    output: str = ""
    """The system's name of the pipe that its leader writes to; empty if there is none."""

    @classmethod
    def of(cls, pid: int) -> Group:
        """The group that `pid` leads.

        Raises:
            ProcessLookupError: it has already ended.
        """
        return cls(sid=pid, started=start_time(pid), output=_output(pid))

    def members(self) -> list[psutil.Process]:
        """The living processes of the session, even if its leader has died."""
        with contextlib.suppress(ProcessLookupError):
            if not same_start(start_time(self.sid), self.started):
                return []
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getsid(process.pid) == self.sid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def left_behind(self) -> bool:
        """Whether it still runs, although nothing has watched it since it was recorded.

        Another process may have its id by now. The leader is recognised by its start time. Without a leader, one of
        the others must still write to the leader's pipe.
        """
        members = self.members()
        with contextlib.suppress(ProcessLookupError):
            start_time(self.sid)
            return bool(members)
        return any(self.output and self.output == _output(process.pid) for process in members)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to every member, including the leader's children."""
        for process in self.members():
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)


def start_time(pid: int) -> float:
    """The start time of a process in seconds, comparable within one boot.

    On Linux it counts from the boot: psutil's time since the epoch changes when the clock is set.

    Raises:
        ProcessLookupError: it has ended.
    """
    try:
        if sys.platform != "linux":
            return psutil.Process(pid).create_time()
        # The command is in parentheses and may contain spaces; the start time is field 22 (proc_pid_stat(5)).
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (FileNotFoundError, psutil.NoSuchProcess):
        raise ProcessLookupError(pid) from None


def same_start(one: float, other: float) -> bool:
    """Whether two `start_time`s are equal, apart from rounding when one is stored in a file."""
    return abs(one - other) < 0.001


def _output(pid: int) -> str:
    """The pipe to which a process writes its standard output or error; empty if there is none, or it can't be seen."""
    for descriptor in (1, 2):
        with contextlib.suppress(OSError):
            if (name := str(Path(f"/proc/{pid}/fd/{descriptor}").readlink())).startswith("pipe:"):
                return name
    return ""


async def start(
    argv: tuple[str, ...], env: dict[str, str], cwd: Path, keep: tuple[int, ...] = ()
) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
    """Starts a program as the leader of a new session; returns it and its output, with both streams merged.

    The kernel sends it SIGTERM if we are killed. Its own children get no such signal; the next start ends them by the
    record of groups. The pipe is ours and not asyncio's, whose `wait` would wait for grandchildren that still hold it.
    `keep` are descriptors that it inherits under the same numbers.
    """
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, env=env, cwd=cwd, stdin=asyncio.subprocess.DEVNULL, stdout=write_end, stderr=write_end,
            start_new_session=True, preexec_fn=dies_with_us(), pass_fds=keep,
        )  # fmt: skip
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    output = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output), os.fdopen(read_end, "rb", buffering=0)
    )
    return process, output


async def end(group: Group, grace: float) -> None:
    """Sends SIGTERM to the whole group, waits up to `grace` seconds, then sends SIGKILL to what is left."""
    group.signal(signal.SIGTERM)
    deadline = asyncio.get_running_loop().time() + grace
    while group.members():
        if asyncio.get_running_loop().time() > deadline:
            group.signal(signal.SIGKILL)
            deadline = float("inf")
        await asyncio.sleep(0.05)


class Record:
    """The record on disk of the groups that run now."""

    VERSION = 2

    def __init__(self, path: Path, identity: Identity) -> None:
        """Takes the file `path` and the workspace's `identity`, which the record contains."""
        self._path = path
        self._identity = identity
        self._groups: dict[str, Group] = {}

    def add(self, name: str, group: Group) -> None:
        """Records a group that was started."""
        self._groups[name] = group
        self._write()

    def remove(self, name: str) -> None:
        """Removes a group that has ended."""
        self._groups.pop(name, None)
        self._write()

    def left_behind(self) -> list[Group]:
        """The groups that an earlier supervisor of this workspace recorded and that still have members.

        Ignores the record of another workspace: a copy has the record of its original, and after a boot or in another
        container the same ids belong to other processes.
        """
        try:
            raw = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return []
        if not isinstance(raw, dict) or Identity.read(raw.get("workspace")) != self._identity:
            return []
        found = [_group(entry) for entry in raw.get("groups", {}).values()]
        return [group for group in found if group is not None and group.left_behind()]

    def _write(self) -> None:
        groups = {name: asdict(group) for name, group in self._groups.items()}
        # If the disk is full, the programs still die with us; only the cleanup after a `kill -9` would miss them.
        with contextlib.suppress(OSError):
            record = {"version": self.VERSION, "workspace": asdict(self._identity), "groups": groups}
            replace_json(self._path, record)


def _group(entry: Any) -> Group | None:
    """A recorded group; fields of other versions are ignored."""
    try:
        return Group(int(entry["sid"]), float(entry["started"]), str(entry.get("output", "")))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_holder(host: str, port: int) -> str | None:
    """None if the port is free, else what holds it, in words: `python3 (pid 4711)`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return "the system, which keeps ports below 1024 for root"
        except OSError:
            return _listener(port)
    return None


def _listener(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                if connection.pid is None:
                    break
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return "another user's process"


def dies_with_us() -> Callable[[], None] | None:
    """A `preexec_fn` that makes the kernel send the child SIGTERM when the thread that started it ends.

    None if the system does not support that.
    """
    if sys.platform != "linux":
        return None
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died between fork and prctl
            os._exit(1)

    return in_child
