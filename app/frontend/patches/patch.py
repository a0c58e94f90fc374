"""One change to the JavaScript that Chainlit ships."""

from typing import NamedTuple

WRITTEN_FOR = "2.12.0"
"""The version of Chainlit whose bundle the patches in this folder were written for."""


class Patch(NamedTuple):
    """One replacement in the bundle, which must match in exactly `places` places."""

    name: str
    """Its name in error messages."""
    why: str
    """Its purpose, as a sentence about the page."""
    file: str
    """The file in Chainlit's repository, to find the code in another version; for PDF.js, in its package."""
    old: str
    new: str
    places: int = 1
    version: str = WRITTEN_FOR
    """The version of Chainlit that it was written for."""
