"""Slows down password guessing without letting an attacker lock out the owners of the accounts.

Wrong passwords count against the account, whatever the address: after ten of them the account allows one try at a
time, after a wait that doubles. A browser that has signed in to the account before is counted separately
(`devices.py`), so that the owner gets in while others guess. An address with many wrong tries gets one try per account
every five minutes: enough for an honest user behind the same proxy, too few to try one password on every account.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.access.limits.attempts import Attempts

_FREE = 10
_FIRST_WAIT = 60.0
_LONGEST_WAIT = 900.0
_FORGOTTEN_AFTER = 24 * 60 * 60.0
_OF_AN_ADDRESS = 30
_ADDRESS_SECONDS = 300.0
_REMEMBERED = 10_000
_WAITING = 64
"""The most sign-ins to one account that may wait for each other; further ones are rejected."""


class TooManyGuessesError(Exception):
    """This sign-in has to wait for `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass
class _Wrong:
    count: int
    last: float


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Guesses:
    """Recent wrong passwords, in memory. Times are in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, _Wrong] = OrderedDict()
        self._addresses = Attempts(_OF_AN_ADDRESS, _ADDRESS_SECONDS, clock)
        self._turns: dict[str, _Turn] = {}

    @asynccontextmanager
    async def one(self, account: str, address: str, device: str | None) -> AsyncIterator[Callable[[], None]]:
        """Guards one sign-in to an account; call the yielded function if the password was right.

        Sign-ins to one account run one at a time, so that many at once do not get more tries.

        Raises:
            TooManyGuessesError: before the password is checked.
        """
        key = f"device {device}" if device else f"account {account}"
        turn = self._turns.setdefault(key, _Turn())
        if turn.users >= _WAITING:
            raise TooManyGuessesError(_FIRST_WAIT)
        turn.users += 1
        right = False

        def forgive() -> None:
            nonlocal right
            right = True

        try:
            async with turn.lock:
                if (seconds := self._wait(key, None if device else address)) > 0:
                    raise TooManyGuessesError(seconds)
                try:
                    yield forgive
                finally:
                    # However it ended: a try that raised, or whose client has left, was one too.
                    if right:
                        self._wrong.pop(key, None)
                    else:
                        self._count(key, None if device else address)
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[key]

    def _wait(self, key: str, address: str | None) -> float:
        wrong = self._wrong.get(key)
        if wrong is None:
            return 0.0
        passed = self._clock() - wrong.last
        if passed >= _FORGOTTEN_AFTER:
            del self._wrong[key]
            return 0.0
        wait = 0.0
        if wrong.count >= _FREE:
            wait = min(_FIRST_WAIT * 2.0 ** min(wrong.count - _FREE, 10), _LONGEST_WAIT)
        if address is not None and self._addresses.closed_for(address):
            wait = max(wait, _ADDRESS_SECONDS)
        return wait - passed

    def _count(self, key: str, address: str | None) -> None:
        count = self._wrong[key].count if key in self._wrong else 0
        self._wrong[key] = _Wrong(count + 1, self._clock())
        self._wrong.move_to_end(key)
        if len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)
        if address is not None:
            self._addresses.count(address)
