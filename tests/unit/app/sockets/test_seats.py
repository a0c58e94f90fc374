"""How many sockets one person may have, and which one is closed."""

from __future__ import annotations

from dataclasses import dataclass

from app.sockets.seats import Seats


@dataclass(eq=False)
class Socket:
    owner: str
    busy: bool = False


def seats(of_one: int = 3, of_all: int = 100) -> Seats:
    return Seats(lambda seat: bool(getattr(seat, "busy", False)), of_one, lambda: of_all, clock=lambda: NOW[0])


NOW = [0.0]


def test_the_oldest_window_on_which_nothing_is_answered_goes() -> None:
    taken = seats()
    busy, oldest, newer, newest = Socket("anna", busy=True), Socket("anna"), Socket("anna"), Socket("anna")
    assert [taken.take(socket) for socket in (busy, oldest, newer)] == [[], [], []]
    assert taken.take(Socket("bob")) == []
    assert taken.take(newest) == [oldest]
    taken.leave(newer)
    assert taken.take(Socket("anna")) == []


def test_a_newcomer_gets_in_even_if_something_is_answered_in_every_window() -> None:
    taken = seats()
    first, *others = [Socket("anna", busy=True) for _ in range(4)]
    taken.take(first)
    assert [taken.take(socket) for socket in others] == [[], [], [first]]


def test_where_the_page_is_full_the_largest_holder_gives_way() -> None:
    taken = seats(of_one=10, of_all=5)
    annas = [Socket("anna") for _ in range(4)]
    for socket in annas:
        assert taken.take(socket) == []
    assert taken.take(Socket("bob")) == []
    assert taken.take(Socket("carla")) == [annas[0]]
    assert taken.take(Socket("dora")) == [annas[1]]


def test_a_person_connects_only_so_often() -> None:
    NOW[0] = 0.0
    taken = seats()
    assert [taken.too_often("anna") for _ in range(129)] == [False] * 128 + [True]
    assert not taken.too_often("bob")
    NOW[0] = 65.0
    assert not taken.too_often("anna")


def test_people_who_are_long_gone_are_forgotten() -> None:
    taken = seats()
    stays = Socket("stays")
    taken.take(stays)
    for number in range(10_050):
        taken.too_often(str(number))
    assert len(taken._people) <= 10_001
    assert taken.take(Socket("stays")) == []
    assert taken._people["stays"].sockets.keys() >= {stays}
