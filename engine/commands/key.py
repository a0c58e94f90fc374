"""`./start.sh key …`: which programs may use the API."""

from __future__ import annotations

import argparse
import sys

from engine.access.keys import KeyNameError, Keys
from engine.commands.sub_words import add_sub_words, exit_status
from engine.config import Settings


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Runs the subcommand. Returns 1 after one sentence if it can't be done."""
    settings.files.create()
    keys = Keys(settings.files.keys)
    return exit_status(lambda: _WORDS[chosen.what](keys, chosen, settings), KeyNameError, of="keys")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommands and their arguments."""
    named = {
        "add": "make a key for a program; it is shown once",
        "remove": "revoke a key; it stops working at once",
    }
    add_sub_words(parser, named, name="the key's name", listing="list the keys")


def _add(keys: Keys, chosen: argparse.Namespace, settings: Settings) -> None:
    key = keys.add(chosen.name)
    # Only the key goes to standard output: KEY=$(./start.sh key add NAME)
    print(f"The key of {chosen.name}, shown only once; the API is at {settings.page_url}/v1", file=sys.stderr)
    print(key)


def _remove(keys: Keys, chosen: argparse.Namespace, _: Settings) -> None:
    keys.remove(chosen.name)
    print(f"The key of {chosen.name} no longer works.")


def _list(keys: Keys, _: argparse.Namespace, __: Settings) -> None:
    for name in keys.names():
        print(name)


_WORDS = {"add": _add, "remove": _remove, "list": _list}
