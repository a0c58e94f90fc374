"""People on shared engines: the simulation agrees with what can be worked out by hand."""

import pytest

from engine.capacity.simulation import Demand, Speed, simulate

ONE_AT_A_TIME = Speed(alone=50, most=50, slots=1)


def test_the_speed_of_each_falls_from_alone_to_its_share_of_all() -> None:
    speed = Speed(alone=60, most=1500, slots=64)
    assert speed.of_each(1) == 60
    assert speed.of_each(64) * 64 == pytest.approx(1500)
    assert speed.of_each(8) > speed.of_each(16) > speed.of_each(64)
    assert Speed(alone=10, most=40, slots=4).of_each(4) == 10
    assert ONE_AT_A_TIME.of_each(1) == 50


def test_with_an_engine_for_everybody_nobody_waits() -> None:
    found = simulate(Demand(5, 60, 200), ONE_AT_A_TIME, 5)
    assert found.wait(1.0) == 0
    assert found.speed(1.0) == pytest.approx(50)


def test_a_full_engine_writes_at_its_most() -> None:
    found = simulate(Demand(200, 120, 500), Speed(60, 600, 16), 1)
    assert found.tokens_per_second == pytest.approx(600, rel=0.02)
    assert found.speed(0.5) == pytest.approx(600 / 16, rel=0.05)
    assert found.wait(0.5) > 10


def test_people_ask_as_often_as_they_are_said_to() -> None:
    # 40 people x 12 questions an hour x 300 tokens, on engines that are nearly idle.
    found = simulate(Demand(40, 12, 300), Speed(1000, 1000, 8), 4)
    assert found.tokens_per_second == pytest.approx(40 * 12 * 300 / 3600, rel=0.08)


def test_the_same_seed_gives_the_same_outcome() -> None:
    one, two = (simulate(Demand(20, 60, 300), ONE_AT_A_TIME, 3) for _ in range(2))
    assert one == two
