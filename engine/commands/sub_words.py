"""The subcommands of `./start.sh user …` and `./start.sh key …`, which change a list of names."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping


def add_sub_words(
    parser: argparse.ArgumentParser, named: Mapping[str, str], *, name: str, listing: str
) -> dict[str, argparse.ArgumentParser]:
    """Adds `named`, the subcommands that take a NAME, and `list`, each with its help. The parsed one is in `what`.

    Returns the parsers of `named`, to which further arguments can be added.
    """
    words = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    parsers = {word: words.add_parser(word, help=text, description=text) for word, text in named.items()}
    for named_parser in parsers.values():
        named_parser.add_argument("name", help=name)
    words.add_parser("list", help=listing, description=listing)
    return parsers


def exit_status(change: Callable[[], None], refused: type[Exception], of: str) -> int:
    """Runs `change` on the list of `of`. Returns 0, or 1 after one sentence if it is refused or the list unusable."""
    try:
        change()
    except refused as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The list of {of} can't be used: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0
