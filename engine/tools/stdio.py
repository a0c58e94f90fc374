"""A tool server as a program: JSON lines on its standard input and output, its standard error in our log.

Not the MCP library's own: that one sets no limit to a line, joins a long one in quadratic time, and leaves the program
behind if we are killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp import types
from mcp.shared.message import SessionMessage

from engine import processes
from engine.processes import Group, Record
from engine.status import Reason
from engine.tools.config import Entry
from engine.tools.result import MOST_BYTES, too_large
from engine.tools.transport import Ended, Streams

_INHERITED = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER")
"""What a program gets of our environment; nothing in it is a secret."""
_GRACE = 3.0
_LONGEST_LINE = 2000
"""Bytes of a line of its standard error that go into the log."""


@contextlib.asynccontextmanager
async def program(entry: Entry, folder: Path, record: Record, say: Callable[[str], None]) -> AsyncIterator[Streams]:
    """Starts the program in a process group of its own, with `folder` as its working folder; ends the whole group.

    Raises:
        OSError: it can't be started.
    """
    await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ} | dict(entry.env)
    process = await asyncio.create_subprocess_exec(
        entry.command, *entry.args, env=environment, cwd=folder, limit=MOST_BYTES,
        stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True, preexec_fn=processes.dies_with_us(),
    )  # fmt: skip
    group = _group(process.pid)
    record.add(entry.name, group)
    to_session, from_program = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    to_program, from_session = anyio.create_memory_object_stream[SessionMessage](0)
    ended = Ended()
    tasks = [
        asyncio.create_task(_read(process, to_session, ended, say)),
        asyncio.create_task(_write(process, from_session)),
        asyncio.create_task(_log(process, say)),
    ]
    try:
        yield Streams(from_program, to_program, ended)
    finally:
        await _end(process, group)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for stream in (to_session, from_program, to_program, from_session):
            stream.close()
        record.remove(entry.name)


def _group(pid: int) -> Group:
    try:
        return Group.of(pid)
    except ProcessLookupError:
        # It has ended already, but may have left children in its group.
        return Group(pid, 0.0)


async def _end(process: Process, group: Group) -> None:
    if process.stdin:
        process.stdin.close()
    await processes.end(group, _GRACE)
    # It also waits for the pipes, which a child that has left the group may hold open for ever.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _GRACE)


async def _read(
    process: Process,
    to_session: MemoryObjectSendStream[SessionMessage | Exception],
    ended: Ended,
    say: Callable[[str], None],
) -> None:
    assert process.stdout is not None
    try:
        while line := await process.stdout.readline():
            try:
                message = types.JSONRPCMessage.model_validate_json(line)
            except ValueError:
                say(f"sent what is no message: {line[:200].decode(errors='replace').rstrip()}")
                continue
            await to_session.send(SessionMessage(message))
        ended.set(Reason("tool_server_ended"))
    except ValueError:
        # The line is longer than the stream's limit; what follows would be its rest.
        ended.set(too_large())
    finally:
        to_session.close()


async def _write(process: Process, from_session: MemoryObjectReceiveStream[SessionMessage]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(ConnectionError):
        async for message in from_session:
            line = message.message.model_dump_json(by_alias=True, exclude_none=True)
            process.stdin.write(line.encode() + b"\n")
            await process.stdin.drain()


async def _log(process: Process, say: Callable[[str], None]) -> None:
    assert process.stderr is not None
    unfinished = b""
    while data := await process.stderr.read(65536):
        *lines, unfinished = (unfinished + data).split(b"\n")
        if len(unfinished) > _LONGEST_LINE:
            lines, unfinished = [*lines, unfinished], b""
        for line in filter(bytes.strip, lines):
            say(line[:_LONGEST_LINE].decode(errors="replace").rstrip())
