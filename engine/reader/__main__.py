"""`python -m engine.reader --port P --uploads DIR`: serves until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import uvicorn

from engine.reader.server import Options, create_app

_SHUTDOWN_SECONDS = 5


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.reader", description="Reads the text in pictures.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--uploads", type=Path, required=True, help="the only folder that file:// pictures may be in")
    parser.add_argument("--model", default="reader", help="the name that it serves under")
    parser.add_argument("--threads", type=int, default=0, help="of the recogniser; 0: one for each core")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    return parser


def main() -> None:
    """Serves. The key, if there is one, is in the environment as `KIMI_ENGINE_KEY`, where no `ps` shows it."""
    args = _parser().parse_args()
    threads = args.threads or len(os.sched_getaffinity(0))
    options = Options(args.uploads, args.model, os.environ.get("KIMI_ENGINE_KEY", ""), threads)
    uvicorn.run(
        create_app(options),
        host=args.host,
        port=args.port,
        log_level=args.log_level,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
