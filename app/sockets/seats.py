"""How many sockets one user may have, and how often they may connect."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.access.limits.connections import most_connections

SOCKETS_OF_ONE = 64
"""The most windows that one user may have open."""
_CONNECTS = 128
_CONNECTS_SECONDS = 64.0
"""One user may connect `_CONNECTS` times within this time: after a restart, all windows reconnect at once."""
_REMEMBERED = 10_000


class Seat(Protocol):
    """A socket on which a user has signed in."""

    owner: str


@dataclass
class _Person:
    sockets: dict[Seat, None] = field(default_factory=dict)
    """Oldest first."""
    connects: deque[float] = field(default_factory=lambda: deque(maxlen=_CONNECTS))


class Seats:
    """The sockets of all users. `busy` reports whether an answer is in progress on one."""

    def __init__(
        self,
        busy: Callable[[Seat], bool],
        of_one: int = SOCKETS_OF_ONE,
        of_all: Callable[[], int] = most_connections,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._busy = busy
        self._of_one = of_one
        self._of_all = of_all
        self._clock = clock
        self._people: OrderedDict[str, _Person] = OrderedDict()
        self._taken = 0

    def too_often(self, owner: str) -> bool:
        """Counts an attempt to connect; returns whether this user has made too many."""
        connects = self._person(owner).connects
        now = self._clock()
        if len(connects) == _CONNECTS and connects[0] > now - _CONNECTS_SECONDS:
            return True
        connects.append(now)
        return False

    def take(self, seat: Seat) -> list[Seat]:
        """Adds a socket; returns the sockets that have to be closed for it.

        These are the oldest idle ones: of this user, or, if the page is full, of the user with the most sockets.
        """
        sockets = self._person(seat.owner).sockets
        sockets[seat] = None
        self._taken += 1
        leaving = []
        if len(sockets) > self._of_one:
            leaving.append(self._oldest(sockets, seat))
        elif self._taken > self._of_all():
            leaving.append(self._oldest(max((one.sockets for one in self._people.values()), key=len), seat))
        for other in leaving:
            self.leave(other)
        return leaving

    def leave(self, seat: Seat) -> None:
        """Removes a closed socket."""
        person = self._people.get(seat.owner)
        if person and seat in person.sockets:
            del person.sockets[seat]
            self._taken -= 1

    def _oldest(self, sockets: dict[Seat, None], but: Seat) -> Seat:
        others = [seat for seat in sockets if seat is not but] or [but]
        return next((seat for seat in others if not self._busy(seat)), others[0])

    def _person(self, owner: str) -> _Person:
        person = self._people.setdefault(owner, _Person())
        self._people.move_to_end(owner)
        if len(self._people) > _REMEMBERED:
            # A user with open sockets is kept, and moves to the end.
            oldest, record = self._people.popitem(last=False)
            if record.sockets:
                self._people[oldest] = record
        return person
