"""Records an engine's argument list, for the check of plans where the engine itself is not installed.

python tests/recorded/record.py > sglang-VERSION.json       in an environment with SGLang, GPU or not
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def sglang() -> dict[str, Any]:
    """By SGLang's own registration of its arguments."""
    from sglang.srt.server_args import ServerArgs
    from sglang.version import __version__

    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    options = {}
    for action in parser._actions:
        entry: dict[str, Any] = {"value": action.nargs != 0}
        if action.choices:
            entry["choices"] = [str(choice) for choice in action.choices]
        options |= {name: entry for name in action.option_strings if name.startswith("--")}
    source = "sglang.srt.server_args.ServerArgs.add_cli_args"
    return {"engine": "SGLang", "version": __version__, "source": source, "options": options}


if __name__ == "__main__":
    found = sglang()
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(found["options"].items()))
    head = "".join(f" {json.dumps(key)}: {json.dumps(found[key])},\n" for key in ("engine", "version", "source"))
    sys.stdout.write(f'{{\n{head} "options": {{\n{rows}\n }}\n}}\n')
