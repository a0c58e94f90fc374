"""`./start.sh user …`: who may sign in to a page that others can reach."""

from __future__ import annotations

import argparse
import getpass
import sys

from engine.access.ended_logins import EndedLogins
from engine.access.passwords import SHARED_USER, People, PeopleError
from engine.commands.sub_words import add_sub_words, exit_status
from engine.config import Settings


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Runs the subcommand. Returns 1 after one sentence if it can't be done."""
    settings.files.create()
    people = People(settings.files.people)
    if chosen.what == "sign-out":
        ended = EndedLogins(settings.files.logins)
        return exit_status(lambda: _sign_out(people, ended, chosen.name), PeopleError, of="logins")
    return exit_status(lambda: _WORDS[chosen.what](people, chosen), PeopleError, of="people")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their arguments."""
    named = {
        "add": "add a user; asks for the password",
        "remove": "remove a user, who is signed out at once",
        "password": "change a user's password; asks for the new one",
        "admin": "allow or forbid a user to see the status and the logs on the page",
        "sign-out": "end all logins of a user; also of shared, header:NAME or PROVIDER:NAME",
    }
    parsers = add_sub_words(parser, named, name="the name to sign in with", listing="list the users")
    parsers["add"].add_argument("--admin", action="store_true", help="this person may see the status and the logs")
    parsers["admin"].add_argument("state", choices=("on", "off"), help="on: an admin, off: no longer")


def _add(people: People, chosen: argparse.Namespace) -> None:
    people.add(chosen.name, _ask(), admin=chosen.admin)
    print(f"{chosen.name} may sign in now.")
    _warn_without_admin(people)


def _remove(people: People, chosen: argparse.Namespace) -> None:
    people.remove(chosen.name)
    print(f"{chosen.name} may no longer sign in; the chats stay, and come back if you add the name again.")
    _warn_without_admin(people)


def _password(people: People, chosen: argparse.Namespace) -> None:
    name = people.known(chosen.name)
    people.set_password(name, _ask())
    print(f"{chosen.name} has a new password.")


def _admin(people: People, chosen: argparse.Namespace) -> None:
    name = people.known(chosen.name)
    people.set_admin(name, admin=chosen.state == "on")
    print(f"{name} is an admin now." if chosen.state == "on" else f"{name} is no longer an admin.")
    _warn_without_admin(people)


def _sign_out(people: People, ended: EndedLogins, name: str) -> None:
    # Only the proxy or the provider knows these names.
    elsewhere = name == SHARED_USER or ":" in name
    identity = name if elsewhere else people.known(name)
    ended.end_all(identity)
    print(f"{identity} is signed out everywhere.")
    if ":" in name:
        print("The name can't be checked here: make sure that you wrote it as the page shows it.")


def _warn_without_admin(people: People) -> None:
    names = people.names()
    if len(names) > 1 and not any(map(people.is_admin, names)):
        print("There is no admin, so no one can see the status and the logs on the page: ./start.sh user admin NAME on")


def _list(people: People, _: argparse.Namespace) -> None:
    for name in people.names():
        print(f"{name} (admin)" if people.is_admin(name) else name)


def _ask() -> str:
    """The password: typed twice on a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise PeopleError("The two passwords differ: nothing was changed.")
    return password


_WORDS = {"add": _add, "remove": _remove, "password": _password, "admin": _admin, "list": _list}
