"""Who may sign in: names and hashes in a file, and the command that changes them."""

from __future__ import annotations

import io
import json
import threading
from functools import partial
from pathlib import Path

import pytest
from argon2 import extract_parameters

from engine.access import passwords
from engine.access.passwords import People, PeopleError
from engine.commands import cli
from engine.config import Settings
from tests.instruments.quick_hashes import QUICK

PASSWORD = "correct horse"


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path / "people.json", QUICK)


def test_a_guess_is_as_costly_as_it_should_be_and_for_an_unknown_name_as_costly(tmp_path: Path) -> None:
    people = People(tmp_path / "people.json")
    people.add("anna", PASSWORD)
    cost = extract_parameters(json.loads((tmp_path / "people.json").read_text())["anna"])
    # The second choice of RFC 9106, for machines with less memory.
    assert (cost.type.name, cost.time_cost, cost.memory_cost, cost.parallelism) == ("ID", 3, 64 * 1024, 4)
    assert extract_parameters(passwords._NOBODY) == cost


def test_a_password_opens_its_own_name_only(people: People) -> None:
    people.add("anna", PASSWORD)
    people.add("李雷@example.org", "another one")
    assert people.names() == ["anna", "李雷@example.org"]
    assert people.verify("anna", PASSWORD)
    assert people.verify(" ANNA ", PASSWORD)
    assert not people.verify("anna", "another one")
    assert not people.verify("nobody", PASSWORD)
    assert not people.verify("anna", "\ud800")


def test_the_file_is_private_and_holds_no_password(people: People, tmp_path: Path) -> None:
    people.add("anna", PASSWORD)
    file = tmp_path / "people.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    assert json.loads(file.read_text())["anna"].startswith("$argon2id$")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == ["people.json"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "../x", "x" * 65, "a\n", "Local", "shared"])
def test_a_name_that_would_confuse_is_refused(people: People, name: str) -> None:
    with pytest.raises(PeopleError):
        people.add(name, PASSWORD)
    assert people.names() == []


def test_a_name_is_taken_whatever_its_case(people: People) -> None:
    people.add("anna", PASSWORD)
    with pytest.raises(PeopleError, match="exists already"):
        people.add("ANNA", PASSWORD)


def test_a_short_password_is_refused_and_changes_nothing(people: People) -> None:
    people.add("anna", PASSWORD)
    with pytest.raises(PeopleError, match="too short"):
        people.set_password("anna", "short")
    assert people.verify("anna", PASSWORD)


def test_the_mark_changes_with_the_password_and_goes_with_the_person(people: People, tmp_path: Path) -> None:
    elsewhere = People(tmp_path / "people.json")
    people.add("anna", PASSWORD)
    first = elsewhere.mark("anna")
    people.set_password("anna", "a new password")
    second = elsewhere.mark("anna")
    people.remove("Anna")
    assert first != second
    assert first
    assert second
    assert elsewhere.mark("anna") is None


def test_people_entered_at_once_are_all_there(tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(6)]
    threads = [
        threading.Thread(target=lambda name=name: People(tmp_path / "p.json", QUICK).add(name, PASSWORD))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert People(tmp_path / "p.json").names() == names


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIMI_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setattr("engine.commands.user.People", partial(People, hasher=QUICK))
    return tmp_path / "workspace"


def command(monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = "") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    return cli.main(["user", *words])


def test_the_command_adds_lists_changes_and_removes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = People(Settings(workspace=workspace).files.people, QUICK)
    assert command(monkeypatch, "add", "anna", typed=f"{PASSWORD}\n") == 0
    assert people.verify("anna", PASSWORD)
    assert command(monkeypatch, "password", "anna", typed="a new password\n") == 0
    assert people.verify("anna", "a new password")
    capsys.readouterr()
    assert command(monkeypatch, "list") == 0
    assert capsys.readouterr().out == "anna\n"
    assert command(monkeypatch, "remove", "anna") == 0
    assert people.names() == []


@pytest.mark.parametrize("words", [("remove", "bert"), ("password", "bert"), ("add", "a b")])
def test_the_command_says_in_a_sentence_what_it_cannot_do(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert command(monkeypatch, *words, typed=f"{PASSWORD}\n") == 1
    error = capsys.readouterr().err
    assert words[1] in error
    assert error.count("\n") == 1


def test_a_password_is_typed_twice_on_a_terminal(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter([PASSWORD, "something else", PASSWORD, PASSWORD])
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    assert cli.main(["user", "add", "anna"]) == 1
    assert cli.main(["user", "add", "anna"]) == 0
    assert People(Settings(workspace=workspace).files.people).verify("anna", PASSWORD)


def test_the_command_makes_admins_and_says_so(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = People(Settings(workspace=workspace).files.people, QUICK)
    assert command(monkeypatch, "add", "anna", typed=f"{PASSWORD}\n") == 0
    assert "There is no admin" not in capsys.readouterr().out
    assert command(monkeypatch, "add", "carl", typed=f"{PASSWORD}\n") == 0
    assert "There is no admin" in capsys.readouterr().out
    assert command(monkeypatch, "add", "--admin", "bert", typed=f"{PASSWORD}\n") == 0
    assert "There is no admin" not in capsys.readouterr().out
    assert command(monkeypatch, "list") == 0
    assert capsys.readouterr().out == "anna\nbert (admin)\ncarl\n"
    mark = people.mark("anna")
    assert command(monkeypatch, "admin", "ANNA", "on") == 0
    assert people.is_admin("anna")
    assert people.mark("anna") == mark
    assert people.verify("anna", PASSWORD)
    people.set_password("anna", "a new password")
    assert people.is_admin("anna")
    assert command(monkeypatch, "admin", "anna", "off") == 0
    assert not people.is_admin("anna")
    assert command(monkeypatch, "admin", "nobody", "on") == 1
    with pytest.raises(SystemExit):
        command(monkeypatch, "admin", "anna", "perhaps")
    people.remove("bert")
    people.add("bert", PASSWORD)
    assert not people.is_admin("bert")


def test_a_file_from_before_there_were_admins_is_read_and_kept(people: People, tmp_path: Path) -> None:
    people.add("anna", PASSWORD)
    people.add("bert", PASSWORD)
    before = json.loads((tmp_path / "people.json").read_text())
    assert all(isinstance(entry, str) for entry in before.values())
    people.set_admin("bert", admin=True)
    assert json.loads((tmp_path / "people.json").read_text())["anna"] == before["anna"]


def test_removing_the_last_admin_is_reported(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("add", "--admin", "anna"), ("add", "bert"), ("add", "carl")):
        assert command(monkeypatch, *words, typed=f"{PASSWORD}\n") == 0
    assert command(monkeypatch, "admin", "anna", "off") == 0
    assert "There is no admin" in capsys.readouterr().out
    assert command(monkeypatch, "admin", "anna", "on") == 0
    assert "There is no admin" not in capsys.readouterr().out
    assert command(monkeypatch, "remove", "anna") == 0
    assert "There is no admin" in capsys.readouterr().out
    # Who is alone may see everything.
    assert command(monkeypatch, "remove", "bert") == 0
    assert "There is no admin" not in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{broken", "[]", '"anna"', "\x00" * 20])
def test_a_damaged_list_of_people_is_one_sentence_and_stays_as_it_is(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    files = Settings(workspace=workspace).files
    files.create()
    for file, words in ((files.people, ("user", "add", "anna")), (files.keys, ("key", "list"))):
        file.write_text(content)
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        assert cli.main([*words]) == 1
        error = capsys.readouterr().err
        assert f"{file} is damaged" in error
        assert "from a backup" in error
        assert error.count("\n") == 1
        assert file.read_text() == content
