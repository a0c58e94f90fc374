"""The reasoning parser inside vLLM's own parsing, for texts that nano does not write."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.config import ROOT
from engine.reasoning_tags import KIMI_VL

pytestmark = pytest.mark.vllm

OPEN, CLOSE = KIMI_VL
# prefix, text, (reasoning, answer) of the whole message; where a stream must differ, what it sends.
CASES: list[tuple[str, str, tuple[str, str], tuple[str, str] | None]] = [
    ("", f"{OPEN}Hm.{CLOSE}Yes.", ("Hm.", "Yes."), None),
    ("", f"{OPEN}\nHm.{CLOSE}\n\nYes.", ("Hm.", "Yes."), None),
    ("", f"{OPEN}Hm. And then", ("Hm. And then", ""), None),
    ("", f"{OPEN}Hm.{CLOSE[:4]}", (f"Hm.{CLOSE[:4]}", ""), None),
    ("", "Yes.", ("", "Yes."), None),
    ("", f"{OPEN[:3]} is no mark", ("", f"{OPEN[:3]} is no mark"), None),
    ("", f"{OPEN}a{CLOSE}b{OPEN}c{CLOSE}d", ("a", f"b{OPEN}c{CLOSE}d"), None),
    # A stream cannot take the thinking back; the tag stays in, and the page's splitter moves it.
    ("", f"Hm.{CLOSE}Yes.", ("Hm.", "Yes."), ("", f"Hm.{CLOSE}Yes.")),
    (f"{OPEN}Hm", f", well.{CLOSE}Yes.", (", well.", "Yes."), None),
    (f"{OPEN}Hm.{CLOSE}", "\n\nYes.", ("", "Yes."), ("", "\n\nYes.")),
    (f"{OPEN}Hm.{CLOSE}The mark is", f" {CLOSE}.", ("", f" {CLOSE}."), None),
    ("The num", f"ber is 5{OPEN}.", ("", f"ber is 5{OPEN}."), None),
]


@pytest.fixture(scope="module")
def parsed(vllm_python: Path) -> list[dict[int, Any]]:
    """What vLLM makes of each case, by tokens per delta."""
    cuts = (1, 2, 5, 1000)
    cases = [{"prefix": prefix, "text": text, "cut": cut} for prefix, text, _, _ in CASES for cut in cuts]
    done = subprocess.run(
        [vllm_python, Path(__file__).with_name("plugin_probe.py")],
        input=json.dumps(cases),
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.splitlines()[-1])
    return [dict(zip(cuts, results[at : at + len(cuts)], strict=True)) for at in range(0, len(results), len(cuts))]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_cases(parsed: list[dict[int, Any]], number: int) -> None:
    _, _, whole, streamed = CASES[number]
    for cut, result in parsed[number].items():
        assert tuple(result["whole"]) == whole
        assert tuple(result["streamed"]) == (streamed or whole), f"{cut} tokens per delta"


def test_reasoning_tokens_are_those_up_to_the_closing_mark(parsed: list[dict[int, Any]]) -> None:
    counts = [results[1]["reasoning_tokens"] for results in parsed]
    assert counts[0] > 0
    assert counts[4] == 0  # no marks
    assert counts[2] > 0  # never closed


def test_only_a_closed_block_of_the_last_message_counts_as_ended(parsed: list[dict[int, Any]]) -> None:
    ended = [results[1]["ended"] for results in parsed]
    assert ended == [prefix.startswith(OPEN) and CLOSE in prefix for prefix, _, _, _ in CASES]
