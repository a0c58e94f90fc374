"""One change to the JavaScript that Chainlit ships."""

from typing import NamedTuple


class Patch(NamedTuple):
    """One replacement in the bundle, which fits in exactly `places` places. `why` is shown when it does not."""

    why: str
    old: str
    new: str
    places: int = 1
