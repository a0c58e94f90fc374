"""A web server of files that takes ranges, as hubs and release pages do; it can break off."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class FileServer:
    """Serves `files`; notes the ranges that were asked for. With `breaks_after` it sends so many bytes and ends."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges: list[str] = []
        self.breaks_after: int | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = shelf.files.get(self.path.removeprefix("/"))
                if data is None:
                    self.send_error(404)
                    return
                asked = self.headers.get("Range")
                shelf.ranges.append(asked or "")
                begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(data) - begin))
                self.end_headers()
                end = len(data) if shelf.breaks_after is None else begin + shelf.breaks_after
                self.wfile.write(data[begin:end])

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        return Handler
