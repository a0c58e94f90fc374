"""One change to the JavaScript that Chainlit ships."""

from typing import NamedTuple

WRITTEN_FOR = "2.12.0"
"""The Chainlit whose bundle the replacements below this folder were written for."""


class Patch(NamedTuple):
    """One replacement in the bundle, which fits in exactly `places` places."""

    name: str
    """What it is called in an error."""
    why: str
    """What it is for, as a sentence about the page."""
    file: str
    """Where the code is in Chainlit's repository, to find it again in another version; in PDF.js, in its package."""
    old: str
    new: str
    places: int = 1
    version: str = WRITTEN_FOR
    """The Chainlit that it was written for."""
