"""`python -m engine.tools`: runs the tool servers, for the web process.

It listens on this machine only, and answers only those who have the key in `run/tools.key`. The supervisor starts it.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import signal
from collections.abc import Awaitable, Callable

from aiohttp import web

from engine.config import load_settings, secret
from engine.tools.host import Host

_MOST_BYTES = 1024 * 1024
"""The largest arguments of a call."""


def application(host: Host, key: str) -> web.Application:
    """`GET /tools` lists, `POST /call` with `{"name", "arguments"}` calls, `GET /healthz` needs no key."""

    @web.middleware
    async def with_key(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode()
        if request.path != "/healthz" and not hmac.compare_digest(given, f"Bearer {key}".encode()):
            raise web.HTTPUnauthorized
        return await handler(request)

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def tools(_: web.Request) -> web.Response:
        return web.json_response(host.as_json())

    async def call(request: web.Request) -> web.Response:
        try:
            asked = json.loads(await request.read())
            name, arguments = asked["name"], asked["arguments"]
        except (ValueError, KeyError, TypeError, RecursionError):
            raise web.HTTPBadRequest from None
        if not isinstance(name, str) or not isinstance(arguments, dict):
            raise web.HTTPBadRequest
        result = await host.call(name, arguments)
        return web.json_response(result.as_json())

    made = web.Application(middlewares=[with_key], client_max_size=_MOST_BYTES)
    made.add_routes([web.get("/healthz", healthz), web.get("/tools", tools), web.post("/call", call)])
    return made


async def serve(port: int) -> None:
    """Serves until SIGTERM or SIGINT; then every tool server has ended."""
    files = load_settings().files
    host = Host(files, lambda line: print(line, flush=True))
    # A browser's Stop closes the connection of the call, which ends it here too.
    runner = web.AppRunner(application(host, secret(files.tools_key)), handler_cancellation=True, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    running = asyncio.create_task(host.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    await asyncio.wait({running})
    await runner.cleanup()
    if not running.cancelled():
        running.result()


def main() -> None:
    """Serves at the port that was given."""
    parser = argparse.ArgumentParser(prog="python -m engine.tools", description="Runs the servers of mcp.json.")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    asyncio.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
