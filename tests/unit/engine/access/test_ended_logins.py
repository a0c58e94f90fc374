"""Logins that were ended early."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from engine.access.ended_logins import LONGEST_LOGIN_SECONDS, EndedLogins
from engine.access.passwords import People
from engine.commands import cli
from engine.config import Settings
from tests.instruments.quick_hashes import QUICK


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logins.json"


def test_what_ended_has_ended_for_every_process_and_after_a_restart(path: Path) -> None:
    other = EndedLogins(path)
    assert not other.has("anna", "a", 0)
    EndedLogins(path).end("anna", "a", time.time())
    assert other.has("anna", "a", 0)
    assert EndedLogins(path).has("anna", "a", 0)
    assert not other.has("anna", "b", 0)
    assert not other.has("bert", "a", 0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_everywhere_ends_all_that_began_before(path: Path) -> None:
    ended = EndedLogins(path)
    before = ended.generation("anna")
    ended.end_all("anna")
    assert ended.has("anna", "any", before)
    assert not ended.has("anna", "any", ended.generation("anna"))
    assert not ended.has("bert", "any", ended.generation("bert"))


def test_the_list_of_an_account_stays_small_and_lets_no_one_in_again(path: Path) -> None:
    ended = EndedLogins(path)
    now = time.time()
    for n in range(150):
        ended.end("anna", f"old{n}", now - LONGEST_LOGIN_SECONDS - 1)
    for n in range(150):
        ended.end("anna", f"new{n}", now)
    # Those that time has ended make room first.
    assert ended.generation("anna") == 0
    for n in range(150, 250):
        ended.end("anna", f"new{n}", now)
    assert all(ended.has("anna", f"new{n}", 0) for n in range(250))
    assert len(json.loads(path.read_text())["anna"]["ended"]) <= 200


def test_the_command_signs_a_person_out_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIMI_WORKSPACE", str(tmp_path / "workspace"))
    files = Settings(workspace=tmp_path / "workspace").files
    files.create()
    People(files.people, QUICK).add("anna", "a password of hers")
    for name, identity in [("ANNA", "anna"), ("shared", "shared"), ("github:bert", "github:bert")]:
        assert cli.main(["user", "sign-out", name]) == 0
        first, *more = capsys.readouterr().out.splitlines()
        assert first == f"{identity} is signed out everywhere."
        # Others' people are known to their proxy or provider alone: a misspelt name can't be noticed here.
        assert bool(more) == (":" in name)
        assert EndedLogins(files.logins).has(identity, "any", 0)
    assert cli.main(["user", "sign-out", "carl"]) == 1
    assert "no user called carl" in capsys.readouterr().err
