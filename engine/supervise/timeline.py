"""How engine and page have fared: a line of JSON for each change of state, in `run/timeline.jsonl`, oldest first."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.atomic_write import replace_file
from engine.logs import tail
from engine.status import Phase, Reason, known_fields, now, of_json

KEPT = 200
_REWRITTEN_AT = 128 * 1024
"""Bytes from which on the file is cut to its last `KEPT` lines."""


@dataclass(frozen=True)
class Change:
    """From `at` on (ISO 8601, UTC) `part`, engine or page, was in `state`; `phase` is what it did, `reason` why."""

    at: str
    part: str
    state: str
    phase: Phase = Phase.NONE
    reason: Reason | None = None


def note(path: Path, part: str, state: str, phase: Phase = Phase.NONE, reason: Reason | None = None) -> None:
    """Appends a change that has just happened."""
    line = json.dumps(asdict(Change(now(), part, state, phase, reason)), ensure_ascii=False) + "\n"
    if path.exists() and path.stat().st_size > _REWRITTEN_AT:
        replace_file(path, "".join(f"{old}\n" for old in tail(path, KEPT)).encode())
    with path.open("a") as file:
        file.write(line)


def read(path: Path, most: int = KEPT) -> list[Change]:
    """The last changes, oldest first; a line that is damaged is left out."""
    found = []
    for line in tail(path, most):
        try:
            found.append(known_fields(Change, of_json(json.loads(line))))
        except (ValueError, TypeError, AttributeError):
            continue
    return found
