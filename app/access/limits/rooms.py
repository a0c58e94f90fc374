"""A bounded set of connections that are not signed in: when it is full, one has to go.

That is the oldest one from the network with the most connections. So an honest newcomer always gets in, a flood from
one network evicts only itself, and many users behind one address may use the whole room while no one else needs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Guest(Protocol):
    """A connection that can be in a room."""

    network: str
    """The network of the peer's address."""

    def send_away(self) -> None:
        """Ends the connection."""


G = TypeVar("G", bound=Guest)


class Room(Generic[G]):
    """At most `most` guests, each for at most `seconds`; None means no time limit."""

    def __init__(self, most: int | Callable[[], int], seconds: float | None = None) -> None:
        self._most = most if callable(most) else lambda: most
        self._seconds = seconds
        self._timers: dict[G, asyncio.TimerHandle | None] = {}
        self._of_network: dict[str, dict[G, None]] = {}
        """The guests of each network, oldest first."""

    def __contains__(self, guest: G) -> bool:
        return guest in self._timers

    def __len__(self) -> int:
        return len(self._timers)

    def enter(self, guest: G) -> None:
        """Adds a guest; sends others away if there are too many."""
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
        """Removes a guest that has signed in or disconnected."""
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
