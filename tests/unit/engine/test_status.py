"""The status as a file: it is read back whichever version wrote it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.status import Phase, Reason, Status
from engine.supervise import timeline


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    status = Status().with_engine(state="starting", phase=Phase.LOADING, percent=40.0)
    status = status.with_page(state="failed", reason=Reason("port_held", {"port": 8080, "holder": "python3"}))
    status.write(tmp_path / "status.json")
    assert Status.read(tmp_path / "status.json") == status


def test_a_sentence_of_the_version_before_stays_a_sentence(tmp_path: Path) -> None:
    before = {
        "engine": {"state": "failed", "phase": "No GPU is visible to vLLM.", "percent": None, "planet": "Mars"},
        "page": {"state": "starting", "phase": "The database cannot be used."},
    }
    (tmp_path / "status.json").write_text(json.dumps(before))
    status = Status.read(tmp_path / "status.json")
    assert (status.engine.phase, status.engine.reason) == (Phase.NONE, Reason.of_text("No GPU is visible to vLLM."))
    assert status.page.reason == Reason.of_text("The database cannot be used.")
    (tmp_path / "status.json").write_text('{"engine": {"state": "starting", "phase": "loading", "percent": 12.0}}')
    assert Status.read(tmp_path / "status.json").engine.phase is Phase.LOADING


def test_a_change_of_the_version_before_is_read(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    path.write_text('{"at": "2026-11-21T10:00:00+00:00", "part": "engine", "state": "failed", "phase": "No room."}\n')
    assert [(change.phase, change.reason) for change in timeline.read(path)] == [("", Reason.of_text("No room."))]


@pytest.mark.parametrize("reason", ['"text"', "[]", '{"key": 4, "values": []}', "7"])
def test_a_reason_that_is_damaged_is_no_crash(tmp_path: Path, reason: str) -> None:
    (tmp_path / "status.json").write_text(f'{{"engine": {{"state": "failed", "reason": {reason}, "phase": [1]}}}}')
    assert Status.read(tmp_path / "status.json").engine.state == "failed"
