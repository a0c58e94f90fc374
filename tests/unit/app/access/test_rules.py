"""Which logins stay valid, and who may see the status, when settings and people change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.access.logins import Kind, Login
from app.access.rules import Rules, is_listed
from engine.access.ended_logins import EndedLogins
from engine.access.passwords import People
from engine.config import Settings
from tests.instruments.quick_hashes import QUICK

PASSWORD = "a password of the tests"
REMOTE = {"host": "0.0.0.0"}
HEADER = {"auth_header": "X-Forwarded-User"}
MakeRules = Callable[..., Rules]


@pytest.fixture
def make(tmp_path: Path) -> MakeRules:
    def rules(*providers: str, **settings: Any) -> Rules:
        made = Settings(_env_file=None, workspace=tmp_path, **settings)
        made.files.create()
        return Rules(made, People(made.files.people, QUICK), EndedLogins(made.files.logins), lambda: providers)

    return rules


@pytest.fixture
def people(tmp_path: Path) -> People:
    files = Settings(workspace=tmp_path).files
    files.create()
    return People(files.people, QUICK)


WAYS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "local": ((), {}),
    "header": ((), HEADER),
    "password": ((), REMOTE),
    "oauth": (("github", "generic"), {**REMOTE, "oauth_people": "anna, @example.org"}),
    "another oauth": (("google",), {**REMOTE, "oauth_people": "anna"}),
    "oauth for nobody": (("github",), REMOTE),
}
ALLOWED: dict[Kind, set[str]] = {
    "local": {"local"},
    "header": {"header"},
    "own": {"password", "oauth", "another oauth", "oauth for nobody"},
    "shared": {"password", "oauth", "another oauth", "oauth for nobody"},
    "oauth": {"oauth"},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ALLOWED)
def test_a_login_of_each_kind_gets_in_only_where_that_kind_is_how_people_sign_in(
    make: MakeRules, people: People, kind: Kind, way: str
) -> None:
    providers, settings = WAYS[way]
    rules = make(*providers, **settings)
    if kind == "own":
        people.add("anna", PASSWORD)
    identity = {"header": "header:anna", "oauth": "github:anna", "own": "anna"}.get(kind, kind)
    mark = {"own": people.mark("anna") or "", "shared": rules.shared.mark}.get(kind, "")
    assert rules.allow(rules.begin(identity, kind, mark)) is (way in ALLOWED[kind])


@pytest.mark.parametrize(
    ("identity", "allowed", "in_now"),
    [
        ("github:anna", "anna", True),
        ("github:Anna", "anna", True),
        ("generic:bert@example.org", "@example.org", True),
        ("github:anna", "*", True),
        ("github:anna", "", False),
        ("github:anna", "bert", False),
        ("google:anna", "anna", False),
        ("anna", "anna", False),
        ("header:anna", "*", False),
        ("shared", "*", False),
        ("local", "*", False),
    ],
)
def test_an_oauth_login_needs_its_provider_and_its_name_on_the_list(
    make: MakeRules, identity: str, allowed: str, in_now: bool
) -> None:
    rules = make("github", "generic", **REMOTE, oauth_people=allowed)
    assert rules.allow(rules.begin(identity, "oauth")) is in_now


def test_a_login_ends_with_the_password_of_its_own_or_with_its_person(make: MakeRules, people: People) -> None:
    rules = make(**REMOTE)
    people.add("anna", PASSWORD)
    login = rules.begin("anna", "own", people.mark("anna") or "")
    assert rules.allow(login)
    assert not rules.allow(replace(login, mark=""))
    people.set_admin("anna", admin=True)
    assert rules.allow(login)
    people.set_password("anna", PASSWORD + "!")
    assert not rules.allow(login)
    people.remove("anna")
    assert not rules.allow(login)
    assert not rules.allow(replace(login, mark=""))


def test_a_login_ends_with_the_shared_password_also_while_the_page_runs(make: MakeRules) -> None:
    rules, other = make(**REMOTE, password="one"), make(**REMOTE, password="another")
    login = rules.begin("shared", "shared", rules.shared.mark)
    assert rules.allow(login)
    assert not other.allow(login)
    assert "one" not in login.mark
    made_up = make(**REMOTE)
    login = made_up.begin("shared", "shared", made_up.shared.mark)
    assert made_up.allow(login)
    made_up._settings.files.password.write_text("what its owner wrote there\n")
    assert made_up.shared.matches("what its owner wrote there")
    assert not made_up.allow(login)
    assert not made_up.allow(made_up.begin("shared", "shared", ""))


def test_a_generated_shared_password_ends_with_the_first_user_and_one_that_is_set_stays(
    make: MakeRules, people: People
) -> None:
    generated, fixed = make(**REMOTE), make(**REMOTE, password="one")
    assert generated.takes_shared()
    assert not generated.asks_for_names()
    login = generated.begin("shared", "shared", generated.shared.mark)
    people.add("anna", PASSWORD)
    assert not generated.takes_shared()
    assert not generated.allow(login)
    assert generated.asks_for_names()
    assert fixed.takes_shared()
    assert fixed.allow(fixed.begin("shared", "shared", fixed.shared.mark))
    people.remove("anna")
    assert generated.allow(login)


def test_an_ended_login_is_out_and_the_others_of_the_account_are_in(make: MakeRules, tmp_path: Path) -> None:
    rules, ended = make(**HEADER), EndedLogins(tmp_path / "run" / "logins.json")
    first, second, berts = (rules.begin(f"header:{name}", "header") for name in ("anna", "anna", "bert"))
    ended.end("header:anna", first.id, first.since)
    assert [rules.allow(login) for login in (first, second, berts)] == [False, True, True]
    ended.end_all("header:anna")
    assert [rules.allow(login) for login in (first, second, berts)] == [False, False, True]
    assert rules.allow(rules.begin("header:anna", "header"))


def watchers(rules: Rules, people: People) -> set[str]:
    """Which of these logins may see the status."""
    kinds: dict[str, Kind] = {
        "local": "local", "shared": "shared", "header:anna": "header", "github:anna": "oauth", "anna": "own",
        "bert": "own",
    }  # fmt: skip
    return {name for name, kind in kinds.items() if rules.may_watch(Login(name, kind))}


def test_where_there_is_one_person_at_most_they_see_the_status(make: MakeRules, people: People) -> None:
    assert "local" in watchers(make(), people)
    assert "shared" in watchers(make(**REMOTE), people)
    people.add("anna", PASSWORD)
    assert watchers(make(**REMOTE), people) >= {"anna"}
    assert "shared" not in watchers(make(**REMOTE), people)


def test_where_there_are_several_only_admins_see_the_status(make: MakeRules, people: People) -> None:
    people.add("anna", PASSWORD)
    people.add("bert", PASSWORD)
    rules = make(**REMOTE)
    assert watchers(rules, people) == set()
    people.set_admin("bert", admin=True)
    assert watchers(rules, people) == {"bert"}
    people.set_password("bert", PASSWORD + "!")
    assert watchers(rules, people) == {"bert"}
    people.set_admin("bert", admin=False)
    assert watchers(rules, people) == set()


def test_people_of_a_proxy_or_a_provider_see_the_status_where_they_are_listed(make: MakeRules, people: People) -> None:
    assert watchers(make(**HEADER), people) == set()
    assert "header:anna" in watchers(make(**HEADER, admins="Anna"), people)
    oauth = {**REMOTE, "oauth_people": "*"}
    assert watchers(make("github", **oauth), people) == set()
    assert watchers(make("github", **oauth, admins="github:anna"), people) == {"github:anna"}
    # A name without a provider belongs to a person with a password.
    assert "github:anna" not in watchers(make("github", **oauth, admins="anna"), people)
    people.add("anna", PASSWORD)
    assert "anna" not in watchers(make("github", **oauth), people)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("ANNA", True), ("Müller", True), ("Σοφία", True), ("eve@Example.org", True), ("straße", False),
        ("eve@\N{KELVIN SIGN}imi.org", False), ("\N{LATIN SMALL LIGATURE FI}nn", False), ("аnna", False),
        ("example.org", False), ("eve@example.org@evil.org", False),
    ],
)  # fmt: skip
def test_a_list_has_a_name_in_any_case_and_no_name_that_looks_like_it(name: str, listed: bool) -> None:
    assert is_listed(name, "Anna, müller, σΟΦίΑ, @example.ORG, strasse, @kimi.org, finn") is listed
