"""The real processes under faults: kills during many chats, a full and a read-only disk, the limit of open files."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import sqlite3
import subprocess
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import socketio

from engine.processes import port_holder
from engine.supervise import control
from engine.supervise.hang_probe import tiny_question
from tests.instruments import bad_files, visitor
from tests.instruments.product import Product, alive, running_product
from tests.instruments.visitor import Visitor, errors, shown

PROCESSES = ("engine", "page")
CHATS = 8
GONE = (OSError, socketio.exceptions.SocketIOError, AttributeError, TypeError)
"""What a user sees of a page that was just killed: no connection, or half an answer."""


def fill(folder: Path) -> Path:
    """Fills the rest of the disk; returns the file that does."""
    ballast = folder / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 65536) == 65536:
            pass
    return ballast


def begin_to_rotate(log: Path, limit: int) -> None:
    """Lengthens it, so that its next line is the last before it is moved aside, and the first after that needs room."""
    with log.open("ab") as file:
        file.write(b"." * (limit - file.tell() - 2) + b"\n")


@contextmanager
def mounted(folder: Path) -> Iterator[Path]:
    """A disk of 100 MB."""
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", folder], check=False).returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product with the reader."""
    with running_product(tmp_path_factory.mktemp("faults") / "workspace") as running:
        yield running


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is soon full."""
    with mounted(tmp_path / "disk") as folder:
        yield folder


def finished(events: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The assistant's complete messages among the events, in their last version."""
    steps = [data for name, data in events if name in {"new_message", "update_message"} and isinstance(data, dict)]
    return [step for step in steps if step.get("type") == "assistant_message" and step.get("output")]


class Chatting:
    """A user who asks one question after the other, whatever happens, and records how each ended."""

    def __init__(self, product: Product, number: int) -> None:
        self.answered: set[str] = set()
        self.ends: Counter[str] = Counter()
        self._product = product
        self._number = number

    async def run(self, end: asyncio.Event) -> None:
        while not end.is_set():
            with suppress(*GONE):
                async with Visitor(self._product) as visitor:
                    while not end.is_set():
                        await self._one_question(visitor)
            await asyncio.sleep(0.5)

    async def _one_question(self, visitor: Visitor) -> None:
        question = f"question {sum(self.ends.values())} of {self._number}"
        try:
            status, reply = await visitor.upload("sign.png", "image/png", bad_files.whole("PNG"))
            files = [json.loads(reply)["id"]] if status == 200 else []
            events = await visitor.ask(question, files)
        except (*GONE, json.JSONDecodeError):
            self.ends["the page went away"] += 1
            raise ConnectionError from None
        if faults := errors(events):
            assert all("Traceback" not in fault for fault in faults)
            self.ends["error"] += 1
        else:
            assert finished(events), f"neither an answer nor an error: {events}"
            self.ends["answer"] += 1
            self.answered.add(question)


def begin_again_without_a_supervisor(product: Product, before: list[psutil.Process]) -> None:
    """What a user does once the supervisor is gone: checks the status, and starts it again."""
    result = product.run("status")
    assert (result.returncode, result.stdout) == (1, "Nothing runs here. Start it with ./start.sh\n")
    product.start()
    pids = {process.pid for process in before}
    product.until(lambda status: status["page"]["state"] == "ready" and status["page"]["pid"] not in pids)
    assert alive(before) == [], "the next start inherits no process"


async def kill_under_chats(product: Product, kills: int, pause: tuple[float, float], seed: int) -> Counter[str]:
    """Kills at random; returns how often each kind of process was killed."""
    chance, end, seen, victims = random.Random(seed), asyncio.Event(), {}, Counter[str]()
    chats = [Chatting(product, number) for number in range(CHATS)]
    tasks = [asyncio.create_task(chat.run(end)) for chat in chats]
    while victims.total() < kills:
        await asyncio.sleep(chance.uniform(*pause))
        tree = product.tree()
        seen |= {process.pid: process for process in tree}
        # The supervisor once at least, whatever chance and the size of the tree make of the seed.
        due = victims.total() == kills - 2 and not victims["supervisor"]
        victim = tree[0] if due else chance.choice(tree)
        # One of them may have ended by itself in the meantime.
        with suppress(psutil.NoSuchProcess):
            kind = "supervisor" if victim == tree[0] else _kind(victim, tree[0])
            victim.kill()
            victims[kind] += 1
        if victim == tree[0]:
            assert product.process is not None
            await asyncio.to_thread(product.process.wait)
            await asyncio.to_thread(begin_again_without_a_supervisor, product, tree)
        status = product.status()
        for part in PROCESSES:
            if status[part]["state"] == "failed":
                assert part == "page" or status[part]["reason"], "a failed engine says why"
                product.tree()[0].send_signal(control.RETRY)
    await asyncio.to_thread(product.until_ready)
    end.set()
    await asyncio.gather(*tasks)

    status = product.until_ready()
    assert {psutil.Process(status[part]["pid"]).ppid() for part in PROCESSES} == {product.tree()[0].pid}
    assert alive([process for pid, process in seen.items() if pid not in {one.pid for one in product.tree()}]) == []
    assert all(task.exception() is None for task in tasks)
    async with Visitor(product) as visitor:
        assert finished(await visitor.ask("And now?"))
    confirmed = set().union(*(chat.answered for chat in chats))
    assert confirmed
    with closing(sqlite3.connect(product.workspace / "chat.db", timeout=30)) as chats_kept:
        query = "SELECT turns.text FROM turns JOIN answers ON answers.turn_id = turns.id WHERE answers.text != ''"
        kept = {text for (text,) in chats_kept.execute(query)}
    assert confirmed <= kept, "nothing that was confirmed is gone"
    return victims


def _kind(process: psutil.Process, supervisor: psutil.Process) -> str:
    """`page`, `engine`, or `worker` for what these have started."""
    words = process.cmdline()
    return "page" if words[-2:] == ["-m", "app"] else "engine" if process.ppid() == supervisor.pid else "worker"


async def test_kills_under_chats_leave_answers_errors_and_no_orphan(product: Product) -> None:
    victims = await kill_under_chats(product, kills=6, pause=(1.0, 3.0), seed=6)
    assert "supervisor" in victims
    assert len(victims) > 1


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
async def test_fifty_kills_under_chats(product: Product, seed: int) -> None:
    victims = await kill_under_chats(product, kills=25, pause=(0.5, 12.0), seed=seed)
    print(victims)
    assert len(victims) > 2


@pytest.mark.long
@pytest.mark.vllm
async def test_kills_of_vllm_and_its_core_leave_nothing_among_the_temporary_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A question waits while vLLM starts, which takes a while, and is killed at that.
    monkeypatch.setattr(visitor, "LONG", 300.0)
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        temporary = Path(folder, "tmp")
        temporary.mkdir()
        settings = {"KIMI_ENGINE": "vllm", "KIMI_MODEL": "nano", "TMPDIR": str(temporary)}
        with running_product(Path(folder, "workspace"), **settings) as product:
            assert list(temporary.glob("kimi-engine-*/*")), "vLLM has its sockets there"
            victims = await kill_under_chats(product, kills=6, pause=(15.0, 40.0), seed=3)
        print(victims)
        assert len(victims) > 2
        assert [path for path in temporary.rglob("*") if path.is_socket() or path.name.startswith("kimi-engine")] == []


def test_the_reader_answers_the_probe_for_hangs(product: Product) -> None:
    question = tiny_question(f"{product.engine_url}/v1", "reader", product.engine_key())
    request = urllib.request.Request(
        question.url, json.dumps(question.body).encode(), {**question.headers, "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as reply:
        assert reply.status == 200
    metrics = urllib.request.Request(question.metrics_url, headers=dict(question.headers))
    with urllib.request.urlopen(metrics, timeout=60) as reply:
        assert re.search(r"^\S*tokens_total \d", reply.read().decode(), re.MULTILINE)


async def test_without_a_file_left_to_open_the_page_recovers_by_itself(product: Product) -> None:
    page = psutil.Process(product.until_ready()["page"]["pid"])
    before = page.rlimit(psutil.RLIMIT_NOFILE)
    page.rlimit(psutil.RLIMIT_NOFILE, (page.num_fds() + 10, before[1]))
    held: list[socket.socket] = []
    with suppress(OSError):
        held.extend(socket.create_connection(("127.0.0.1", product.port), 5) for _ in range(40))
    with suppress(OSError):
        await asyncio.to_thread(product.get, "/healthz")
    for one in held:
        one.close()
    async with asyncio.timeout(120):
        while True:
            with suppress(OSError):
                if (await asyncio.to_thread(product.get, "/healthz"))[0] == 200:
                    break
            await asyncio.sleep(0.5)
    page.rlimit(psutil.RLIMIT_NOFILE, before)
    product.until_ready()
    async with Visitor(product) as visitor:
        assert finished(await visitor.ask("Hello?"))


async def test_a_full_disk_costs_what_needs_room_and_nothing_else(small_disk: Path) -> None:
    workspace = small_disk / "workspace"
    with running_product(workspace, KIMI_LOG_MB="1") as product:
        tree = product.tree()
        async with Visitor(product) as visitor:
            assert finished(await visitor.ask("Before?"))
            logs = [workspace / "app.log", workspace / "llm.log"]
            for log in logs:
                begin_to_rotate(log, 1_000_000)
            ballast = fill(small_disk)
            status, reply = await visitor.upload("a.png", "image/png", bad_files.whole("PNG"))
            assert (status, b"disk is full" in reply) == (507, True)
            events = await visitor.ask("During?")
            assert finished(events)
            assert "cannot be saved" in shown(events)
            # A process that dies is restarted, and status reports it once it can.
            psutil.Process(product.status()["engine"]["pid"]).kill()
            await asyncio.sleep(8)
            assert tree[0].is_running()
            assert all(log.with_name(f"{log.name}.1").exists() for log in logs), "both were rotated in the meantime"
            result = await asyncio.to_thread(product.run, "status")
            assert result.returncode == 0
            assert "The disk is full: make room" in " ".join(result.stdout.split())
            ballast.unlink()
            back = product.until(lambda s: s["engine"]["restarts"] >= 1 and s["engine"]["state"] == "ready")["engine"]
            # A log reports missing lines with its next line; the engine's next lines are those of its next start.
            psutil.Process(back["pid"]).kill()
            product.until(lambda s: s["engine"]["restarts"] > back["restarts"] and s["engine"]["state"] == "ready")
            events = await visitor.ask("After?")
            assert finished(events)
            assert "cannot be saved" not in shown(events)
            assert "disk is full" not in (await asyncio.to_thread(product.run, "status")).stdout
            for log in logs:
                assert "bytes are missing here: No space left on device]" in log.read_text()
            assert "turn ended" in logs[0].read_text().split("are missing here")[1], "it goes on"
        with closing(sqlite3.connect(workspace / "chat.db", timeout=30)) as chats:
            assert [text for (text,) in chats.execute("SELECT text FROM turns ORDER BY asked")] == [
                "Before?", "During?", "After?",
            ]  # fmt: skip


def test_a_read_only_workspace_is_reported_in_a_sentence(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    ended = Product(small_disk / "workspace").run()
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"The workspace {small_disk / 'workspace'} can't be written (Read-only file system)")
    assert "Traceback" not in ended.stderr


def test_others_reach_the_page_alone_and_no_command_line_has_a_key(tmp_path: Path) -> None:
    with running_product(tmp_path / "workspace", KIMI_HOST="0.0.0.0") as product:
        files = product.workspace / "run"
        secrets = [(files / name).read_text().strip() for name in ("engine.key", "auth.secret", "password")]
        reached = set()
        for process in product.tree():
            result = " ".join(process.cmdline())
            assert not any(secret in result for secret in secrets)
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr.ip not in {"127.0.0.1", "::1"}:
                    reached.add(connection.laddr.port)
        assert reached == {product.port}
        for words in (("status",), ("status", "--json"), ("plan",), ("logs",), ("doctor",)):
            ended = product.run(*words)
            assert not any(secret in ended.stdout + ended.stderr for secret in secrets), words
        tree = product.tree()
    assert alive(tree) == []
    assert port_holder("127.0.0.1", product.port) is None
    assert port_holder("127.0.0.1", product.engine_port) is None
