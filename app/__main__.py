"""Runs the web process: `python -m app`, as the supervisor does, with the settings from the environment and `.env`."""

from __future__ import annotations

import gc
import hmac
import os
import sys

import uvicorn

from app import frontend
from app.access.limits.connections import GuardedProtocol
from app.page.workarounds import stubs
from app.sockets.wire import BEFORE_LOGIN_BYTES, GuardedWebSocket
from app.telemetry import logs
from app.telemetry.otel import telemetry
from engine import tracing
from engine.config import ROOT, ConfigError, Settings, load_settings, secret
from engine.env_file import env_values
from engine.supervise.page_log import say_cannot_start


def main() -> int:
    """Serves until SIGTERM or SIGINT. Returns the exit status: 2 for an invalid setting."""
    try:
        settings = load_settings()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    logs.set_up(as_json=settings.log_json)
    settings.files.create()
    try:
        frontend.prepare(settings.files.page_root, ROOT)
    except frontend.FrontendError as error:
        print(error, file=sys.stderr)
        return 1
    _prepare_environment(settings)
    tracing.take_standard_settings(ROOT / ".env")
    telemetry.set_up(console=settings.trace == "console", content=settings.trace_content)
    stubs.leave_out()
    # Imports create no garbage: collecting during them takes a fifth of the start.
    gc.disable()
    # Chainlit reads its folders and its secret when it is imported.
    from app.errors import HistoryError  # noqa: PLC0415
    from app.server import create_app  # noqa: PLC0415

    try:
        app = create_app(settings)
    except HistoryError as error:
        say_cannot_start(str(error))
        return 1
    # The collector need not scan it while streams run, either.
    gc.freeze()
    gc.enable()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http=GuardedProtocol,
            ws=GuardedWebSocket,
            # Until a user has signed in.
            ws_max_size=BEFORE_LOGIN_BYTES,
            # Compressing each frame of a few words costs more than sending it.
            ws_per_message_deflate=False,
            # uvicorn would trust them from this machine; app/access/proxies.py trusts only the configured proxies.
            proxy_headers=False,
            log_config=None,
            # Paths contain session ids, which must not be logged.
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    server.run()
    return 0


def _prepare_environment(settings: Settings) -> None:
    os.environ["CHAINLIT_APP_ROOT"] = str(settings.files.page_root)
    # Part of the signing key of logins: changing the password or the page's reach invalidates them all.
    terms = f"{settings.for_this_machine}:{settings.auth_header}:{settings.password.get_secret_value()}"
    signing = hmac.new(secret(settings.files.auth_secret).encode(), terms.encode(), "sha256")
    os.environ["CHAINLIT_AUTH_SECRET"] = signing.hexdigest()
    # Chainlit would load the working directory's `.env` into the environment; our settings are already read.
    os.environ["CHAINLIT_ENV_FILE"] = os.devnull
    for name, value in env_values(ROOT / ".env").items():
        # OAuth providers are configured in Chainlit, which reads the environment only.
        if value and name.startswith("OAUTH_"):
            os.environ.setdefault(name, value)
    # With this key Chainlit would send conversations away.
    os.environ.pop("LITERAL_API_KEY", None)
    if not settings.remote:
        # A user's own OpenAI settings must not reach an engine that they were not made for.
        for name in [name for name in os.environ if name.startswith("OPENAI_")]:
            del os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
