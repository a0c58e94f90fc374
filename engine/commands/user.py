"""`./start.sh user …`: who may sign in to a page that others can reach."""

from __future__ import annotations

import argparse
import getpass
import sys

from engine.access.ended_logins import EndedLogins
from engine.access.passwords import SHARED_USER, People, PeopleError
from engine.commands.sub_words import add_sub_words, told
from engine.config import Settings


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Does what the sub-word says; 1 and one sentence where it can't be done."""
    settings.files.create()
    people = People(settings.files.people)
    if chosen.what == "sign-out":
        ended = EndedLogins(settings.files.logins)
        return told(lambda: _sign_out(people, ended, chosen.name), PeopleError, of="logins")
    return told(lambda: _WORDS[chosen.what](people, chosen), PeopleError, of="people")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-words and their arguments."""
    named = {
        "add": "enter somebody; asks for their password",
        "remove": "take somebody out, and sign them out at once",
        "password": "give somebody another password; asks for it",
        "admin": "let somebody see the status and the logs on the page, or no longer",
        "sign-out": "end all logins of somebody; also of shared, header:NAME or PROVIDER:NAME",
    }
    parsers = add_sub_words(parser, named, name="the name to sign in with", listing="tell who is there")
    parsers["add"].add_argument("--admin", action="store_true", help="this person may see the status and the logs")
    parsers["admin"].add_argument("state", choices=("on", "off"), help="on: an admin, off: no longer")


def _add(people: People, chosen: argparse.Namespace) -> None:
    people.add(chosen.name, _ask(), admin=chosen.admin)
    print(f"{chosen.name} may sign in now.")
    _tell_of_no_admin(people)


def _remove(people: People, chosen: argparse.Namespace) -> None:
    people.remove(chosen.name)
    print(f"{chosen.name} may no longer sign in; the chats stay, and are back if the name is entered again.")
    _tell_of_no_admin(people)


def _password(people: People, chosen: argparse.Namespace) -> None:
    name = people.known(chosen.name)
    people.set_password(name, _ask())
    print(f"{chosen.name} has a new password.")


def _admin(people: People, chosen: argparse.Namespace) -> None:
    name = people.known(chosen.name)
    people.set_admin(name, admin=chosen.state == "on")
    print(f"{name} is an admin now." if chosen.state == "on" else f"{name} is no longer an admin.")
    _tell_of_no_admin(people)


def _sign_out(people: People, ended: EndedLogins, name: str) -> None:
    # Others are known to their proxy or provider alone.
    elsewhere = name == SHARED_USER or ":" in name
    identity = name if elsewhere else people.known(name)
    ended.end_all(identity)
    print(f"{identity} is signed out everywhere.")
    if ":" in name:
        print("Whether there is somebody of this name is not known here: it has to be written as the page shows it.")


def _tell_of_no_admin(people: People) -> None:
    names = people.names()
    if len(names) > 1 and not any(map(people.is_admin, names)):
        print("Nobody is an admin, so the page shows nobody its status and logs: ./start.sh user admin NAME on")


def _list(people: People, _: argparse.Namespace) -> None:
    for name in people.names():
        print(f"{name} (admin)" if people.is_admin(name) else name)


def _ask() -> str:
    """The password: typed twice on a terminal, else the first line that comes in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise PeopleError("The two are not the same: nothing was changed.")
    return password


_WORDS = {"add": _add, "remove": _remove, "password": _password, "admin": _admin, "list": _list}
