"""The accelerators of the catalogue, by the names that users and drivers give them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.catalog import Card, UnknownNameError, catalog, plain
from engine.machine.vendors import VENDORS


def find_card(name: str) -> Card:
    """The accelerator called `name`, in any case, with or without the maker's name, spaces and hyphens.

    Raises:
        UnknownNameError: there is none.
    """
    makers = "|".join(maker for vendor in VENDORS.values() for maker in vendor.makers)
    wanted = re.sub(rf"^({makers})+(?=.)", "", plain(name))
    cards = catalog().accelerators
    for card in cards.values():
        if wanted in {plain(known) for known in (card.name, *card.aliases)}:
            return card
    raise UnknownNameError(f"There is no accelerator {name!r} in the catalogue; known are {', '.join(cards)}.")


def is_card(name: str, cards: Iterable[str]) -> bool:
    """Whether the accelerator called `name` is among these entries; one that the catalogue has not is none of them."""
    try:
        return find_card(name).name in cards
    except UnknownNameError:
        return False
