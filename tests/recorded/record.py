"""Records an engine's argument list, for the check of plans where the engine itself is not installed.

python tests/recorded/record.py sglang > sglang-VERSION.json       in an environment with SGLang, GPU or not
python tests/recorded/record.py llama README.md VERSION > …        with llama.cpp's tools/server/README.md
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
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


def llama(readme: Path, version: str) -> dict[str, Any]:
    """From the table of arguments that llama.cpp's tool writes into the server's README."""
    text = readme.read_text()
    table = text[text.index("HELP_START") : text.index("HELP_END")]
    options = {}
    for signature, explanation in re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.MULTILINE):
        plain = signature.replace("\\|", "|")
        takes_value = bool(re.sub(r"(--?[A-Za-z][\w-]*),?\s*", "", plain).strip())
        entry: dict[str, Any] = {"value": takes_value}
        if variable := re.search(r"\(env: (\w+)\)", explanation):
            entry["env"] = variable[1]
        options |= dict.fromkeys(re.findall(r"(?<![\w\[<{])(--?[A-Za-z][\w-]*)", plain), entry)
    source = "llama.cpp tools/server/README.md, its generated list of arguments"
    return {"engine": "llama-server", "version": version, "source": source, "options": options}


if __name__ == "__main__":
    found = sglang() if sys.argv[1] == "sglang" else llama(Path(sys.argv[2]), sys.argv[3])
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in sorted(found["options"].items()))
    head = "".join(f" {json.dumps(key)}: {json.dumps(found[key])},\n" for key in ("engine", "version", "source"))
    sys.stdout.write(f'{{\n{head} "options": {{\n{rows}\n }}\n}}\n')
