"""Starts SGLang with the key from the environment.

Run as `python -m engine.engines.sglang.start …` in SGLang's own environment. SGLang accepts its key only on the
command line, which every user of the machine can read. Here it is added to the arguments inside the process.
"""

from __future__ import annotations

import os
import runpy
import sys


def main() -> None:
    """Runs SGLang's server with our arguments and the key."""
    if key := os.environ.pop("KIMI_ENGINE_KEY", ""):
        sys.argv += ["--api-key", key]
    runpy.run_module("sglang.launch_server", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
