"""The page starts without the packages that it needs later or never, and they are loaded for the first question."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine.config import ROOT

_HEAVY = ("alembic", "mcp.types", "openai", "requests.sessions", "rich", "traceloop.sdk.tracing")
_PROGRAM = """
import asyncio, sys
from pathlib import Path
from app import lazily
from app.page.workarounds import stubs
stubs.leave_out()
import app.server
from app.history.database import Database, database_url
asyncio.run(Database(database_url("", Path("{folder}/chat.db"))).open())
print(*[name for name in {heavy!r} if name in sys.modules])
asyncio.run(lazily.load())
print(*[name for name in {heavy!r} if name in sys.modules])
import mcp
mcp.ClientSession()
"""


def test_the_page_comes_up_without_what_it_does_not_need_yet(tmp_path: Path) -> None:
    environment = os.environ | {"CHAINLIT_APP_ROOT": str(tmp_path), "CHAINLIT_ENV_FILE": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(heavy=_HEAVY, folder=tmp_path)],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    at_first, later = done.stdout.splitlines()
    assert (at_first, later) == ("", "openai")
    assert "ClientSession is left out" in done.stderr


def test_the_words_parsers_are_not_waited_for_at_the_start() -> None:
    program = """
import sys
from engine.commands.up import main
import engine.supervise.supervisor
print("engine.commands.cli" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_start_without_a_word_refuses_a_wrong_setting(tmp_path: Path) -> None:
    environment = os.environ | {"KIMI_PORT": "much", "KIMI_WORKSPACE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "engine", "up"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "KIMI_PORT" in done.stderr
