"""Which connection is closed when there are too many without a login."""

from __future__ import annotations

import asyncio

from app.access.limits.connections import Crowd
from app.access.limits.rooms import Room
from tests.instruments import waiting


class Guest:
    def __init__(self, network: str) -> None:
        self.network = network
        self.gone = False
        self.unread: tuple[int, float] | None = None
        self.transport: asyncio.Transport = None  # type: ignore[assignment]

    def send_away(self) -> None:
        self.gone = True


async def test_one_network_does_not_take_the_places_of_the_others() -> None:
    room: Room[Guest] = Room(most=5)
    honest, *flood = [Guest("honest"), *(Guest("flood") for _ in range(10))]
    for guest in (honest, *flood):
        room.enter(guest)
    # Its own oldest were closed for its newer ones.
    assert [guest.gone for guest in flood] == [True] * 6 + [False] * 4
    others = [Guest(str(number)) for number in range(3)]
    for guest in others:
        room.enter(guest)
    assert len(room) == 5
    assert not any(guest.gone for guest in (honest, *others))
    for guest in (honest, *flood, *others):
        room.leave(guest)
    assert len(room) == 0


async def test_one_network_may_use_all_the_room_while_no_one_else_needs_it() -> None:
    room: Room[Guest] = Room(most=200)
    office = [Guest("office") for _ in range(200)]
    for guest in office:
        room.enter(guest)
    assert not any(guest.gone for guest in office)


async def test_of_many_networks_the_one_that_has_waited_longest_goes() -> None:
    room: Room[Guest] = Room(most=3)
    guests = [Guest(str(number)) for number in range(5)]
    for guest in guests:
        room.enter(guest)
    assert [guest.gone for guest in guests] == [True, True, False, False, False]


async def test_a_guest_goes_after_its_time_unless_it_has_left() -> None:
    room: Room[Guest] = Room(most=3, seconds=0.05)
    waits, leaves = Guest("a"), Guest("a")
    room.enter(waits)
    room.enter(leaves)
    room.leave(leaves)
    await waiting.until(lambda: waits.gone, 20)
    assert not leaves.gone
    assert len(room) == 0


async def test_people_keep_their_connections_and_newcomers_get_in_however_many_strangers_come() -> None:
    crowd = Crowd(lambda: 100, of_one=20)
    people = [Guest("office") for _ in range(30)]
    for guest in people:
        crowd.enter(guest)
        crowd.recognise(guest, "anna")
    strangers = [Guest("office") for _ in range(500)]
    for guest in strangers:
        crowd.enter(guest)
    assert len([guest for guest in strangers if not guest.gone]) == 80
    # Above the limit for one person they are closed like a stranger's.
    assert [guest.gone for guest in people] == [False] * 20 + [True] * 10
    crowd.forget(people[0])
    crowd.enter(Guest("office"))
    assert not people[0].gone


async def test_people_do_not_take_the_places_of_newcomers() -> None:
    crowd = Crowd(lambda: 100, of_one=1000)
    people = [Guest("office") for _ in range(300)]
    for guest in people:
        crowd.enter(guest)
        crowd.recognise(guest, "anna")
    assert len([guest for guest in people if not guest.gone]) <= 100
    newcomer = Guest("elsewhere")
    crowd.enter(newcomer)
    assert not newcomer.gone
