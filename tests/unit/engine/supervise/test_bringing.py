"""When the reader is idle, and what becomes of a better engine that can't be fetched."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from engine.reader.metrics import render
from engine.supervise import bringing


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
