"""`./start.sh user …`: who may sign in to a page that others can reach."""

from __future__ import annotations

import argparse
import getpass
import sys

from engine.config import Settings
from engine.people import People, PeopleError
from engine.sub_words import add_sub_words, told


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Does what the sub-word says; 1 and one sentence where it can't be done."""
    settings.files.create()
    people = People(settings.files.people)
    return told(lambda: _WORDS[chosen.what](people, chosen), PeopleError, of="people")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The sub-words and their arguments."""
    named = {
        "add": "enter somebody; asks for their password",
        "remove": "take somebody out, and sign them out at once",
        "password": "give somebody another password; asks for it",
    }
    add_sub_words(parser, named, name="the name to sign in with", listing="tell who is there")


def _add(people: People, chosen: argparse.Namespace) -> None:
    people.add(chosen.name, _ask())
    print(f"{chosen.name} may sign in now.")


def _remove(people: People, chosen: argparse.Namespace) -> None:
    people.remove(chosen.name)
    print(f"{chosen.name} may no longer sign in; the chats stay, and are back if the name is entered again.")


def _password(people: People, chosen: argparse.Namespace) -> None:
    name = people.known(chosen.name)
    people.set_password(name, _ask())
    print(f"{chosen.name} has a new password.")


def _list(people: People, _: argparse.Namespace) -> None:
    for name in people.names():
        print(name)


def _ask() -> str:
    """The password: typed twice on a terminal, else the first line that comes in."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise PeopleError("The two are not the same: nothing was changed.")
    return password


_WORDS = {"add": _add, "remove": _remove, "password": _password, "list": _list}
