"""`./start.sh verify`: whether an engine does what this chat needs of it."""

from __future__ import annotations

import argparse
import os
import sys

from engine.arguments import given_path
from engine.config import Settings
from engine.measure.functional import CHECKS, CheckFailedError, Server, find_served
from engine.measure.running_engine import NotRunningError, find_running

WRONG = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the word."""
    parser.add_argument(
        "--base-url", help="any server with OpenAI's API, with /v1; without it: the engine that runs here"
    )
    parser.add_argument("--key-file", type=given_path, help="the file with its key; without it: OPENAI_API_KEY")
    parser.add_argument("--model", default="", help="the name to ask for; without it: the first that is served")


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Checks and prints each result; exit status 1 where something is wrong."""
    try:
        server = _server(settings, chosen)
        served = find_served(server)
    except (NotRunningError, CheckFailedError, OSError) as error:
        print(error, file=sys.stderr)
        return WRONG
    print(f"ok     name: {served.name}", flush=True)
    failed = False
    for name, check in CHECKS.items():
        try:
            print(f"ok     {name}: {check(server, served)}", flush=True)
        except CheckFailedError as error:
            failed = True
            print(f"WRONG  {name}: {error}", flush=True)
    return WRONG if failed else 0


def _server(settings: Settings, chosen: argparse.Namespace) -> Server:
    if chosen.base_url:
        # A key on the command line would show it to everybody on the machine.
        key = chosen.key_file.read_text().strip() if chosen.key_file else os.environ.get("OPENAI_API_KEY", "")
        return Server(chosen.base_url.rstrip("/"), key, chosen.model)
    running = find_running(settings)
    return Server(running.plan.base_url, running.key, chosen.model or running.plan.served_name)
