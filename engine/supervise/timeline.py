"""The history of the engine and the web process: one line of JSON per change of state, in `run/timeline.jsonl`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.status import Phase, Reason, known_fields, now, of_json
from engine.system.atomic_write import replace_file
from engine.system.logs import tail

KEPT = 200
_REWRITTEN_AT = 128 * 1024
"""Bytes above which the file is cut to its last `KEPT` lines."""


@dataclass(frozen=True)
class Change:
    """The change of `part`, engine or page, to `state` at `at` (ISO 8601, UTC), with what it was doing and why."""

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
    """The last changes, oldest first; skips damaged lines."""
    found = []
    for line in tail(path, most):
        try:
            found.append(known_fields(Change, of_json(json.loads(line))))
        except (ValueError, TypeError, AttributeError):
            continue
    return found
