"""How many sockets one person may have, and how often they may connect."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from app.access.limits.connections import most_connections

SOCKETS_OF_ONE = 64
"""Windows that one person may have open."""
_CONNECTS = 128
_CONNECTS_SECONDS = 64.0
"""Within which one person may connect so many times: after a restart of the page all windows come at once."""
_REMEMBERED = 10_000


class Seat(Protocol):
    """What takes a place: a socket on which a person has signed in."""

    owner: str


@dataclass
class _Person:
    sockets: dict[Seat, None] = field(default_factory=dict)
    """In the order in which they came."""
    connects: deque[float] = field(default_factory=lambda: deque(maxlen=_CONNECTS))


class Seats:
    """The sockets of all people. `busy` says whether something is being answered on one."""

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
        """Counts an attempt to connect; whether this person has made too many."""
        connects = self._person(owner).connects
        now = self._clock()
        if len(connects) == _CONNECTS and connects[0] > now - _CONNECTS_SECONDS:
            return True
        connects.append(now)
        return False

    def take(self, seat: Seat) -> list[Seat]:
        """Gives its owner one more; the ones that have to go for it.

        They are the oldest that nothing is being answered on: of this person, or, where the page is full, of the
        person who has most.
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
        """Forgets a socket that has gone."""
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
            # A person with a socket stays, and is looked at again after the others.
            oldest, record = self._people.popitem(last=False)
            if record.sockets:
                self._people[oldest] = record
        return person
