"""`./start.sh user …`: who may sign in to a page that others can reach."""

from __future__ import annotations

import argparse
import getpass
import subprocess
import sys

from engine.access.ended_logins import EndedLogins
from engine.access.passwords import SHARED_USER, People, PeopleError
from engine.commands.sub_words import add_sub_words, exit_status
from engine.config import ROOT, Settings

_SECONDS = 600
"""The longest that a change of all chats of a user may take."""


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Runs the subcommand. Returns 1 after one sentence if it can't be done."""
    settings.files.create()
    people = People(settings.files.people)
    if chosen.what == "sign-out":
        ended = EndedLogins(settings.files.logins)
        return exit_status(lambda: _sign_out(people, ended, chosen.name), PeopleError, of="logins")
    chosen.shared_stays = bool(settings.password.get_secret_value())
    return exit_status(lambda: _WORDS[chosen.what](people, chosen), PeopleError, of="people")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their arguments."""
    named = {
        "add": "add a user; asks for the password",
        "remove": "remove a user, who is signed out at once",
        "password": "change a user's password; asks for the new one",
        "admin": "allow or forbid a user to see the status and the logs on the page",
        "chats": "delete the chats of a user who has left, or give them to another user",
        "sign-out": "end all logins of a user; also of shared, header:NAME or PROVIDER:NAME",
    }
    parsers = add_sub_words(parser, named, name="the name to sign in with", listing="list the users")
    parsers["add"].add_argument("--admin", action="store_true", help="this person may see the status and the logs")
    what = parsers["chats"].add_mutually_exclusive_group(required=True)
    what.add_argument("--delete", action="store_true", help="delete them with their pictures, for good; asks first")
    parsers["chats"].add_argument("--yes", action="store_true", help="delete them without being asked, as in a script")
    what.add_argument("--give-to", metavar="OTHER", default="", help="the user who gets them")
    parsers["admin"].add_argument("state", choices=("on", "off"), help="on: an admin, off: no longer")


def _add(people: People, chosen: argparse.Namespace) -> None:
    is_first = not people.names()
    people.add(chosen.name, _ask(), admin=chosen.admin)
    print(f"{chosen.name} may sign in now.")
    if chosen.shared_stays:
        print("The shared password lets others in, too, since KIMI_PASSWORD is set: remove it to end that.")
    elif is_first:
        print("The shared password no longer lets anyone in; its chats are back once there is no user.")
    _warn_without_admin(people)


def _remove(people: People, chosen: argparse.Namespace) -> None:
    people.remove(chosen.name)
    print(f"{chosen.name} may no longer sign in; the chats stay, and come back if you add the name again.")
    print(f"To delete them: ./start.sh user chats {chosen.name} --delete; with --give-to OTHER another user gets them.")
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


def _chats(people: People, chosen: argparse.Namespace) -> None:
    name = _with_chats(people, chosen.name)
    if chosen.give_to:
        other = _with_chats(people, chosen.give_to)
        print(f"{other} has {_count('give', name, other)} chats of {name} now.")
        return
    count = _count("count", name)
    if count and not chosen.yes:
        _make_sure(f"Delete {count} chats of {name} with their pictures, for good? [y/N] ")
    print(f"{_count('delete', name)} chats of {name} are deleted.")


def _with_chats(people: People, name: str) -> str:
    """The name of a user who may have chats: one of the list, or one who is not there but has signed in before.

    Raises:
        PeopleError: there is none; it lists those who have chats.
    """
    # A removed user, or one of a proxy or a provider, is not in the list.
    found = people.find(name) or (name if _of_history("known", name) else None)
    if found is None:
        having = ", ".join(_of_history("names")) or "nobody"
        raise PeopleError(f"No one called {name} has signed in here. Chats belong to: {having}.")
    return found


def _make_sure(question: str) -> None:
    """Asks on the terminal.

    Raises:
        PeopleError: the answer is no, or there is no terminal.
    """
    if not sys.stdin.isatty():
        raise PeopleError("Nothing was deleted: without a terminal to ask on, --yes is needed.")
    try:
        answer = input(question)
    except EOFError:
        print()
        answer = ""
    if answer.strip().lower() not in {"y", "yes"}:
        raise PeopleError("Nothing was deleted.")


def _count(*arguments: str) -> int:
    return int(_of_history(*arguments)[-1])


def _of_history(*arguments: str) -> list[str]:
    """Runs the page's program for the chats of people who have left; the lines that it prints.

    Raises:
        PeopleError: it failed, for the reason that it gives, or took too long.
    """
    argv = (sys.executable, "-m", "app.history.leaving", "--", *arguments)
    try:
        done = subprocess.run(  # noqa: S603 - no shell: a name is one argument, whatever is in it
            argv, cwd=ROOT, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise PeopleError(
            f"It took longer than {_SECONDS // 60} minutes and was ended; ./start.sh doctor says what holds it up."
        ) from None
    if done.returncode:
        raise PeopleError((done.stderr.strip().splitlines() or ["The chats can't be changed."])[-1])
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


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
    if not people.names():
        print("There are no users yet: ./start.sh user add NAME", file=sys.stderr)


def _ask() -> str:
    """The password: typed twice on a terminal, else the first line of standard input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise PeopleError("The two passwords differ: nothing was changed.")
    return password


_WORDS = {"add": _add, "remove": _remove, "password": _password, "admin": _admin, "chats": _chats, "list": _list}
