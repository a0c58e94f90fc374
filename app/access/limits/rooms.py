"""A bounded set of connections that nobody has signed in on: when it is full, the one that has waited longest goes.

It goes from the network that has the most of them. So an honest newcomer always gets in, a flood from one network
pushes out only itself, and many people behind one address may use all of the room while nobody else needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Guest(Protocol):
    """What can be in a room."""

    network: str
    """The network of the peer's address."""

    def send_away(self) -> None:
        """Ends the connection."""


G = TypeVar("G", bound=Guest)


class Room(Generic[G]):
    """At most `most` guests, each for at most `seconds`; None: for any time."""

    def __init__(self, most: int | Callable[[], int], seconds: float | None = None) -> None:
        self._most = most if callable(most) else lambda: most
        self._seconds = seconds
        self._timers: dict[G, asyncio.TimerHandle | None] = {}
        self._of_network: dict[str, dict[G, None]] = {}
        """The guests of each network, in the order in which they came."""

    def __contains__(self, guest: G) -> bool:
        return guest in self._timers

    def __len__(self) -> int:
        return len(self._timers)

    def enter(self, guest: G) -> None:
        """Lets a guest in; sends others away where there are too many."""
        if guest in self._timers:
            return
        timer = None
        if self._seconds is not None:
            timer = asyncio.get_running_loop().call_later(self._seconds, self._send_away, guest)
        self._timers[guest] = timer
        self._of_network.setdefault(guest.network, {})[guest] = None
        while len(self._timers) > max(1, self._most()):
            busiest = max(self._of_network.values(), key=len)
            self._send_away(next(iter(busiest)))

    def leave(self, guest: G) -> None:
        """Forgets a guest, who has signed in or has gone."""
        if guest not in self._timers:
            return
        if timer := self._timers.pop(guest):
            timer.cancel()
        guests = self._of_network[guest.network]
        del guests[guest]
        if not guests:
            del self._of_network[guest.network]

    def _send_away(self, guest: G) -> None:
        self.leave(guest)
        guest.send_away()
