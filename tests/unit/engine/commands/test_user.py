"""`./start.sh user chats`: whose chats are deleted or given away, and what is asked before."""

from __future__ import annotations

import argparse
import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.access.passwords import People
from engine.commands import user
from engine.config import Settings


class Chats:
    """The chats of users who have signed in before, as `app.history.leaving` changes them."""

    def __init__(self) -> None:
        self.of = {"header:anna@example.org": 2, "bert": 1}

    def do(self, act: str, name: str = "", other: str = "") -> list[str]:
        match act:
            case "names":
                return list(self.of)
            case "known":
                return [name] if name in self.of else []
            case "count":
                return [str(self.of.get(name, 0))]
        count = self.of.pop(name, 0)
        if act == "give":
            self.of[other] = self.of.get(other, 0) + count
        return [str(count)]


@pytest.fixture
def chats(monkeypatch: pytest.MonkeyPatch) -> Chats:
    chats = Chats()
    monkeypatch.setattr(user, "_of_history", chats.do)
    return chats


def run(workspace: Path, *arguments: str) -> int:
    """Runs `./start.sh user …` where carl may sign in and never has."""
    settings = Settings(_env_file=None, workspace=workspace)
    settings.files.create()
    people = People(settings.files.people)
    if not people.names():
        people.add("carl", "carl's password")
    parser = argparse.ArgumentParser()
    user.add_arguments(parser)
    return user.run(settings, parser.parse_args(arguments))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_user_of_a_proxy_gives_and_gets_chats(
    chats: Chats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "chats", "header:anna@example.org", "--give-to", "CARL") == 0
    assert chats.of == {"bert": 1, "carl": 2}
    chats.of["google:dora"] = 0
    assert run(tmp_path, "chats", "carl", "--give-to", "google:dora") == 0
    assert chats.of["google:dora"] == 2
    assert capsys.readouterr().out.splitlines()[-1] == "google:dora has 2 chats of carl now."


@pytest.mark.parametrize("arguments", [("brt", "--delete", "--yes"), ("bert", "--give-to", "header:ana@example.org")])
def test_a_name_that_nobody_has_changes_nothing_and_is_told_whose_chats_there_are(
    chats: Chats, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    before = dict(chats.of)
    assert run(tmp_path, "chats", *arguments) == 1
    assert chats.of == before
    assert "Chats belong to: header:anna@example.org, bert." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stdin", "arguments", "left"),
    [
        (io.StringIO("y\n"), (), 1),
        (io.StringIO(), ("--yes",), 0),
        (Terminal("n\n"), (), 1),
        (Terminal(), (), 1),
        (Terminal("y\n"), (), 0),
    ],
    ids=["no terminal", "no terminal, --yes", "no", "end of input", "yes"],
)
def test_chats_are_deleted_only_with_a_yes(
    chats: Chats, tmp_path: Path, stdin: io.StringIO, arguments: tuple[str, ...], left: int
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("sys.stdin", stdin)
        assert run(tmp_path, "chats", "bert", "--delete", *arguments) == left
    assert chats.of.get("bert", 0) == left


def test_a_database_that_takes_too_long_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hang(argv: Sequence[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(argv, 600)

    monkeypatch.setattr(subprocess, "run", hang)
    assert run(tmp_path, "chats", "bert", "--delete", "--yes") == 1
    assert "took longer than 10 minutes" in capsys.readouterr().err
