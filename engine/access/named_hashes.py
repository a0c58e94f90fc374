"""Names and the hashes of their secrets, in one file of the workspace that its owner alone can read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from engine.access.private_json import PrivateJson

_NAME = re.compile(r"[\w.@+-]{1,64}")


def is_name(name: str) -> bool:
    """Whether it can stand in a list and on a command line without confusing anybody."""
    return _NAME.fullmatch(name) is not None


class NamedHashes(PrivateJson[str]):
    """The file's entries: hash by name."""

    def find(self, name: str) -> str | None:
        """The name as it was given, whatever the case in which it is typed; None: there is none."""
        return find_name(self.current(), name)


def find_name(names: Iterable[str], name: str) -> str | None:
    """The one of `names` that is this name in some case; None: there is none."""
    return next((known for known in names if known.casefold() == name.strip().casefold()), None)
