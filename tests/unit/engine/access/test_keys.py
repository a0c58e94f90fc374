"""Which programs may use the API: names and hashes in a file, and the command that changes them."""

from __future__ import annotations

import errno
import hmac
import json
import os
from pathlib import Path

import pytest

from engine.access.keys import KeyNameError, Keys
from engine.commands import cli
from engine.config import ConfigError, Settings, load_settings


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path / "keys.json")


def test_a_key_opens_for_its_own_name_until_it_is_removed(keys: Keys, tmp_path: Path) -> None:
    running = Keys(tmp_path / "keys.json")
    assert running.name_of("anything") is None
    first, second = keys.add("notebook"), keys.add("李雷@example.org")
    assert (running.name_of(first), running.name_of(second)) == ("notebook", "李雷@example.org")
    assert running.names() == ["notebook", "李雷@example.org"]
    for wrong in ("", first[:-1], first + "x", first.upper(), "\ud800", "ключ"):
        assert running.name_of(wrong) is None
    keys.remove("NoteBook")
    assert running.name_of(first) is None
    assert running.name_of(second) == "李雷@example.org"


def test_the_file_is_private_and_holds_no_key(keys: Keys, tmp_path: Path) -> None:
    key = keys.add("notebook")
    assert len(key) >= 40
    file = tmp_path / "keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert key not in file.read_text()
    assert key not in json.loads(file.read_text())["notebook"]


def test_every_key_is_compared_in_constant_time(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [keys.add(f"k{number}") for number in range(3)]
    compared: list[str] = []
    real = hmac.compare_digest

    def watched(given: str, stored: str) -> bool:
        compared.append(stored)
        return real(given, stored)

    monkeypatch.setattr("hmac.compare_digest", watched)
    for key in (made[0], "wrong"):
        compared.clear()
        keys.name_of(key)
        assert len(compared) == 3


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65, "a\n", "-\x00"])
def test_a_name_that_would_confuse_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(KeyNameError):
        keys.add(name)
    assert keys.names() == []


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIMI_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


def test_the_command_shows_a_key_once_lists_names_and_takes_keys_back(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["key", "add", "notebook"]) == 0
    key = capsys.readouterr().out.strip()
    keys = Keys(Settings(workspace=workspace).files.keys)
    assert keys.name_of(key) == "notebook"
    assert cli.main(["key", "list"]) == 0
    assert capsys.readouterr().out == "notebook\n"
    assert cli.main(["key", "remove", "notebook"]) == 0
    assert keys.name_of(key) is None


def test_a_full_disk_leaves_the_list_as_it_was(
    workspace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.main(["key", "add", "taken"])
    before = sorted(workspace.iterdir())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    assert cli.main(["key", "add", "another"]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert Keys(Settings(workspace=workspace).files.keys).names() == ["taken"]
    assert sorted(workspace.iterdir()) == before


@pytest.mark.parametrize("words", [("remove", "nobody"), ("add", "a b"), ("add", "TAKEN")])
def test_the_command_says_in_a_sentence_what_it_cannot_do(
    workspace: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    cli.main(["key", "add", "taken"])
    capsys.readouterr()
    assert cli.main(["key", *words]) == 1
    shown = capsys.readouterr()
    assert words[1] in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""


@pytest.mark.parametrize("hosts", ["https://example.org", "*.example.org", "example.org/x", "a b", "-x", "user@host"])
def test_a_picture_host_is_a_plain_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: str) -> None:
    monkeypatch.setenv("KIMI_PICTURE_HOSTS", hosts)
    with pytest.raises(ConfigError, match="host names without https"):
        load_settings(tmp_path / "absent.env")
    monkeypatch.setenv("KIMI_PICTURE_HOSTS", "pictures.example.org, example.com:8443,")
    load_settings(tmp_path / "absent.env")
