"""Names and the hashes of their secrets, in one private file of the workspace."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.access.private_json import PrivateJson

_NAME = re.compile(r"[\w.@+-]{1,64}")


def is_name(name: str) -> bool:
    """Whether it is unambiguous in a list and on a command line."""
    return _NAME.fullmatch(name) is not None


class NamedHashes(PrivateJson[str]):
    """The file's entries: hash by name."""

    def find(self, name: str) -> str | None:
        """The name as it was added, ignoring case; None: there is none."""
        return find_name(self.current(), name)


def find_name(names: Iterable[str], name: str) -> str | None:
    """The one of `names` that equals this name, ignoring case; None: there is none."""
    return next((known for known in names if known.casefold() == name.strip().casefold()), None)
