"""When the reader is idle, and what becomes of a better engine that can't be fetched."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from engine.config import Settings, Workspace
from engine.engines.reader import reader_plan
from engine.plans.launch import LaunchPlan
from engine.reader.metrics import render
from engine.status import Reason
from engine.supervise import bringing, consent


@contextmanager
def serving(body: bytes) -> Iterator[str]:
    """A server on this machine that answers every request so; the address of its metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()


OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(("waiting", "running", "idle"), [(0, 0, True), (1, 0, False), (0, 1, False), (10, 0, False)])
def test_the_reader_is_idle_without_pictures(waiting: int, running: int, idle: bool) -> None:
    with serving(OK + render(waiting, running)) as metrics:
        assert bringing._is_idle(metrics) is idle


@pytest.mark.parametrize("text", ["", "reader_pictures_waiting 0.0\n", "reader_pictures_waiting x\n"])
def test_a_reader_without_these_metrics_is_not_known_to_be_idle(text: str) -> None:
    with serving(OK + text.encode()) as metrics:
        assert not bringing._is_idle(metrics)


def test_no_proxy_is_asked_for_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    # urlopen keeps the proxies of its first call.
    monkeypatch.setattr(urllib.request, "_opener", None)
    with serving(OK + render(0, 0)) as metrics:
        assert bringing._is_idle(metrics)


@pytest.mark.parametrize("reply", [b"Hello.\r\n", b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\n\r\nreader", OK + b"\xff"])
def test_a_reply_that_breaks_off_or_is_no_http_is_not_idle(reply: bytes) -> None:
    with serving(reply) as metrics:
        assert not bringing._is_idle(metrics)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(_env_file=None, workspace=tmp_path / "w", download="yes")
    made.files.create()
    consent.begin(made)
    return made


async def test_a_full_disk_ends_the_fetch_with_a_reason_and_another_yes_tries_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    outcomes: list[OSError | None] = [full, None]
    shown: list[tuple[str, Reason | None]] = []

    async def prepare(plan: LaunchPlan, *_: object) -> LaunchPlan:
        if error := outcomes.pop(0):
            raise error
        return plan

    def show(state: str, reason: Reason | None, **_: object) -> None:
        shown.append((state, reason))
        if state == "failed":
            consent.answer(settings.files, "yes")

    monkeypatch.setattr(bringing, "prepare", prepare)
    monkeypatch.setattr(bringing, "_LOOK_SECONDS", 0.01)
    await asyncio.wait_for(bringing.bring(reader_plan(settings), settings, show), 30)
    reason = Reason("not_started", {"error": "No space left on device"})
    assert shown == [("fetching", None), ("failed", reason), ("fetching", None)]


async def test_a_word_that_can_not_be_forgotten_yet_is_forgotten_later(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Workspace] = []

    def ask_again(files: Workspace) -> None:
        tries.append(files)
        if len(tries) < 3:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(consent, "ask_again", ask_again)
    monkeypatch.setattr(bringing, "_LOOK_SECONDS", 0.01)
    await asyncio.wait_for(bringing._forgotten(settings), 30)
    assert len(tries) == 3


def test_a_setting_that_can_not_be_written_does_not_end_the_start(tmp_path: Path) -> None:
    made = Settings(_env_file=None, workspace=tmp_path / "w", download="yes")
    consent.begin(made)
    assert consent.answered(made.files) is None
