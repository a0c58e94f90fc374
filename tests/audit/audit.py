"""Asks OSV whether a locked package is known to be vulnerable, with pip-audit in its own environment."""

from __future__ import annotations

import os
import subprocess
import tomllib
from datetime import date
from pathlib import Path

from engine.config import ROOT

PIP_AUDIT = "pip-audit==2.10.1"
OSV = "https://api.osv.dev/v1/query"
EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
SETS = {
    "page": ("--extra", "page", "--extra", "reader", "--extra", "hub", "--extra", "measure", "--group", "test"),
    "vllm": ("--extra", "vllm"),
}
"""The sets of packages that are installed together."""
_UV = str(ROOT / ".venv" / "bin" / "uv")


class NoToolError(Exception):
    """pip-audit is not available; the text says why."""


def exceptions(today: date, file: Path = EXCEPTIONS) -> list[str]:
    """The ids that are excepted today.

    Raises:
        ValueError: an exception has no date or no reason.
    """
    found = []
    for entry in tomllib.loads(file.read_text()).get("exception", []):
        if not isinstance(entry.get("until"), date) or len(entry.get("reason", "")) < 20 or not entry.get("id"):
            raise ValueError(f"{entry} lacks its id, the day until which it holds, or a reason")
        if today <= entry["until"]:
            found.append(entry["id"])
    return found


def requirements(name: str, folder: Path) -> Path:
    """The packages of a set as uv.lock has them, with their hashes."""
    file = folder / f"{name}.txt"
    command = [_UV, "export", "--project", str(ROOT), "--frozen", "--offline", "--quiet", "--no-emit-project"]
    subprocess.run([*command, *SETS[name], "-o", str(file)], check=True, stdout=subprocess.DEVNULL, timeout=120)
    return file


def audit(file: Path, ignored: list[str], service: str = OSV) -> subprocess.CompletedProcess[str]:
    """Runs pip-audit; its exit status is 1 where something was found.

    Raises:
        NoToolError: it is not on this machine and can't be fetched.
    """
    tool = [_UV, "tool", "run", "--quiet", "--from", PIP_AUDIT, "pip-audit"]
    there = subprocess.run([*tool, "--version"], capture_output=True, text=True, check=False, timeout=300)
    if there.returncode:
        raise NoToolError(there.stderr.strip()[-300:])
    # With hashes nothing has to be resolved, so no index is queried.
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "-s", "osv", "--osv-url", service]
    chosen = [part for one in ignored for part in ("--ignore-vuln", one)]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PIP_AUDIT")}
    return subprocess.run(
        [*tool, "-r", str(file), *options, *chosen], env=env, capture_output=True, text=True, check=False, timeout=1200
    )
