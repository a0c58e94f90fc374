"""schemathesis generates valid and invalid requests from the API's description, and checks every reply."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.openapi import OPENAPI
from tests.instruments.scripted_product import ScriptedProduct


def run_schemathesis(folder: Path, page: ScriptedProduct, key: str, *options: str) -> int:
    """Lets it check the page; returns the number of requests.

    Raises:
        AssertionError: a reply does not match its description; the text has the request to repeat it.
    """
    description = folder / "openapi.json"
    description.write_text(json.dumps(OPENAPI))
    ended = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", str(description), "--url", page.url, "--no-color",
            "--header", f"Authorization: Bearer {key}", "--checks", "all", "--request-timeout", "60",
            # It also tries wrong keys; these are counted, and after some of them 429 is correct.
            "--exclude-checks", "ignored_auth", *options,
        ],
        cwd=folder, capture_output=True, text=True, check=False, timeout=1800,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    made = re.search(r"(\d+) generated", ended.stdout)
    assert made, ended.stdout
    return int(made.group(1))


def test_every_reply_is_as_it_is_described(scripted: ScriptedProduct, key: str, tmp_path: Path) -> None:
    made = run_schemathesis(tmp_path, scripted, key, "--max-examples", "15", "--seed", "1")
    assert made > 80
    # Some requests were valid, and got through.
    assert len(scripted.engine.requests) > 20
    assert "Traceback" not in scripted.log()


@pytest.mark.long
def test_thousands_of_replies_are_as_they_are_described(scripted: ScriptedProduct, key: str, tmp_path: Path) -> None:
    made = run_schemathesis(tmp_path, scripted, key, "--max-examples", "2000", "--suppress-health-check", "all")
    assert made > 2000
    assert "Traceback" not in scripted.log()
