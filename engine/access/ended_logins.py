"""The logins that ended early, by signing out here or everywhere, in one file of the workspace.

A login is a signed cookie, which can't be revoked. So its id is recorded here when it ends. Signing out everywhere
increments the account's generation, which ends all logins of earlier generations. No clock is involved, because it may
be wrong.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from engine.access.private_json import PrivateJson

LONGEST_LOGIN_SECONDS = 30 * 24 * 60 * 60
"""A login ends at this age, however often it was renewed."""
_MOST_ENDED = 200
"""The number of ended logins that are recorded one by one for an account."""


class _Account(TypedDict):
    generation: int
    ended: dict[str, float]
    """The beginning of each ended login (Unix time), by its id."""


class EndedLogins:
    """The file's accounts, by identity: `anna`, `shared`, `header:anna`, `github:anna`."""

    def __init__(self, path: Path) -> None:
        self._file: PrivateJson[_Account] = PrivateJson(path)

    def generation(self, identity: str) -> int:
        """The generation of a new login."""
        return _account(self._file.current(), identity)["generation"]

    def has(self, identity: str, login_id: str, generation: int) -> bool:
        """Whether this login of the account has ended."""
        account = _account(self._file.current(), identity)
        return generation < account["generation"] or login_id in account["ended"]

    def end(self, identity: str, login_id: str, since: float) -> None:
        """Ends one login that began at `since` (Unix time).

        Raises:
            OSError: the file can't be written.
        """
        with self._file.changing() as accounts:
            account = _account(accounts, identity)
            ended = account["ended"] | {login_id: since}
            if len(ended) > _MOST_ENDED:
                ended = {key: at for key, at in ended.items() if at + LONGEST_LOGIN_SECONDS > time.time()}
            generation = account["generation"]
            if len(ended) > _MOST_ENDED:
                # The list must not grow without limit: end all remaining logins of this account.
                generation, ended = generation + 1, {}
            accounts[identity] = {"generation": generation, "ended": ended}

    def end_all(self, identity: str) -> None:
        """Ends all logins of an account.

        Raises:
            OSError: the file can't be written.
        """
        with self._file.changing() as accounts:
            accounts[identity] = {"generation": _account(accounts, identity)["generation"] + 1, "ended": {}}

    def add_all(self, other: EndedLogins) -> None:
        """Also ends the logins that another list of the same accounts has ended.

        Raises:
            OSError: a file can't be read or written.
            ValueError: a file is damaged.
        """
        with self._file.changing() as accounts:
            for identity, theirs in other._file.current().items():
                ours = _account(accounts, identity)
                generation = max(ours["generation"], theirs["generation"])
                ended: dict[str, float] = {}
                for one in (ours, theirs):
                    # Every login of an earlier generation has ended anyway.
                    if one["generation"] == generation:
                        ended |= one["ended"]
                accounts[identity] = {"generation": generation, "ended": ended}


def _account(accounts: Mapping[str, _Account], identity: str) -> _Account:
    return accounts.get(identity) or {"generation": 0, "ended": {}}
