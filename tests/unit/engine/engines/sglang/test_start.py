"""SGLang gets its key inside the process: the command line, which everyone can read, does not show it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from engine.config import ROOT

SERVER = """
import json, os, pathlib, sys
shown = pathlib.Path("/proc/self/cmdline").read_text().split("\\0")
print(json.dumps({"got": sys.argv[1:], "shown": shown, "left": "KIMI_ENGINE_KEY" in os.environ}))
"""


def test_the_key_reaches_sglang_and_not_the_list_of_processes(tmp_path: Path) -> None:
    package = tmp_path / "sglang"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "launch_server.py").write_text(SERVER)
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{tmp_path}", "KIMI_ENGINE_KEY": "the key"}
    command = [sys.executable, "-m", "engine.engines.sglang.start", "--port", "8000"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    seen = json.loads(done.stdout)
    assert seen["got"] == ["--port", "8000", "--api-key", "the key"]
    assert "the key" not in seen["shown"]
    assert not seen["left"]
