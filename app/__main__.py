"""Runs the page: `python -m app`, as the supervisor does, with the settings of the environment and `.env`."""

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
    """Serves until SIGTERM or SIGINT. Returns the exit status: 2 for a wrong setting."""
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
    # All that is imported stays: looking through it for garbage again and again takes a fifth of the time.
    gc.disable()
    # Chainlit reads its folders and its secret when it is imported.
    from app.errors import HistoryError  # noqa: PLC0415
    from app.server import create_app  # noqa: PLC0415

    try:
        app = create_app(settings)
    except HistoryError as error:
        say_cannot_start(str(error))
        return 1
    # Nor need the collector look through it while streams run.
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
            # Until somebody has signed in.
            ws_max_size=BEFORE_LOGIN_BYTES,
            # Compressing each frame of a few words costs more than sending it.
            ws_per_message_deflate=False,
            # It would believe them from this machine; app/access/proxies.py believes those that are named.
            proxy_headers=False,
            log_config=None,
            # Session ids are in paths and must not be in logs.
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    server.run()
    return 0


def _prepare_environment(settings: Settings) -> None:
    os.environ["CHAINLIT_APP_ROOT"] = str(settings.files.page_root)
    # Part of what logins are signed with: another password, or another reach of the page, ends them all.
    terms = f"{settings.for_this_machine}:{settings.auth_header}:{settings.password.get_secret_value()}"
    signing = hmac.new(secret(settings.files.auth_secret).encode(), terms.encode(), "sha256")
    os.environ["CHAINLIT_AUTH_SECRET"] = signing.hexdigest()
    # Chainlit would load the `.env` of the working directory into the environment; our settings are read already.
    os.environ["CHAINLIT_ENV_FILE"] = os.devnull
    for name, value in env_values(ROOT / ".env").items():
        # OAuth's providers are Chainlit's settings, which it takes from the environment alone.
        if value and name.startswith("OAUTH_"):
            os.environ.setdefault(name, value)
    # It would send conversations away with this key.
    os.environ.pop("LITERAL_API_KEY", None)
    if not settings.remote:
        # A person's own OpenAI settings must not reach an engine that they were not made for.
        for name in [name for name in os.environ if name.startswith("OPENAI_")]:
            del os.environ[name]


if __name__ == "__main__":
    sys.exit(main())
