"""Guessing is slow whatever the address, and locks out no one else."""

from __future__ import annotations

import asyncio

import pytest

from app.access.devices import known_device, remember, set_cookie
from app.access.guesses import Guesses, TooManyGuessesError


class Door:
    """Tries passwords: `right` or not."""

    def __init__(self) -> None:
        self.now = 0.0
        self.guesses = Guesses(lambda: self.now)

    async def knock(
        self, account: str = "anna", *, right: bool = False, address: str = "1.1.1.1", device: str | None = None
    ) -> str:
        try:
            async with self.guesses.one(account, address, device) as forgive:
                if right:
                    forgive()
        except TooManyGuessesError as refusal:
            return f"wait {refusal.seconds:.0f}"
        return "in" if right else "wrong"


@pytest.fixture
def door() -> Door:
    return Door()


async def test_after_ten_wrong_ones_the_wait_doubles_whatever_the_address(door: Door) -> None:
    assert {await door.knock(address=f"10.0.0.{n}") for n in range(10)} == {"wrong"}
    waits = []
    for n in range(6):
        refused = await door.knock(right=True, address=f"10.0.1.{n}")
        waits.append(float(refused.removeprefix("wait ")))
        door.now += waits[-1]
        assert await door.knock(address=f"10.0.2.{n}") == "wrong"
    assert waits == [60, 120, 240, 480, 900, 900]


async def test_a_try_that_ends_in_an_error_counts_too(door: Door) -> None:
    for _ in range(10):
        with pytest.raises(LookupError):
            async with door.guesses.one("anna", "1.1.1.1", None):
                raise LookupError
    assert await door.knock() == "wait 60"


async def test_guessing_at_one_account_keeps_no_one_out_of_another(door: Door) -> None:
    for _ in range(200):
        await door.knock("shared")
    assert await door.knock("bob", right=True) == "in"


async def test_a_browser_that_was_in_before_gets_in_while_others_guess(door: Door) -> None:
    for n in range(50):
        await door.knock(address=f"10.0.0.{n}")
    assert (await door.knock(right=True)).startswith("wait")
    assert await door.knock(right=True, device="known") == "in"
    # It does not help to guess, and guesses with it have a separate limit.
    assert (await door.knock(right=True)).startswith("wait")
    assert [await door.knock(device="known") for _ in range(11)] == ["wrong"] * 10 + ["wait 60"]


async def test_trying_one_password_on_everyone_gets_one_try_each(door: Door) -> None:
    for n in range(30):
        assert await door.knock(f"person{n}") == "wrong"
    assert [await door.knock("anna") for _ in range(3)] == ["wrong", "wait 300", "wait 300"]
    # An honest user at the same address gets in, and so does Anna from elsewhere.
    assert await door.knock("bob", right=True) == "in"
    assert await door.knock("anna", right=True, address="2.2.2.2") == "in"


async def test_the_right_password_forgets_the_wrong_ones_and_so_does_a_day(door: Door) -> None:
    for _ in range(3):
        assert [await door.knock(address=f"10.0.0.{n}") for n in range(9)] == ["wrong"] * 9
        assert await door.knock(right=True, address="3.3.3.3") == "in"
    for n in range(10):
        await door.knock(address=f"10.0.0.{n}")
    assert await door.knock(right=True, address="3.3.3.3") == "wait 60"
    door.now += 24 * 60 * 60
    assert [await door.knock(address=f"10.0.1.{n}") for n in range(10)] == ["wrong"] * 10


async def test_many_at_once_get_no_more_tries_and_the_right_ones_of_a_class_all_get_in(door: Door) -> None:
    checked = 0

    async def guess(*, right: bool) -> bool:
        nonlocal checked
        try:
            async with door.guesses.one("shared", "1.1.1.1", None) as forgive:
                checked += 1
                await asyncio.sleep(0)
                if right:
                    forgive()
                return right
        except TooManyGuessesError:
            return False

    assert all(await asyncio.gather(*(guess(right=True) for _ in range(30))))
    checked = 0
    assert not any(await asyncio.gather(*(guess(right=False) for _ in range(500))))
    assert checked == 10


async def test_the_memory_is_limited(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.access.guesses._REMEMBERED", 50)
    for n in range(500):
        await door.knock(f"person{n}", address=f"10.0.{n // 250}.{n % 250}")
    assert len(door.guesses._wrong) == 50
    assert door.guesses._turns == {}


def test_a_device_is_known_for_its_account_and_password_alone() -> None:
    cookie = remember("", "anna", "mark")
    assert known_device(cookie, "anna", "mark")
    assert known_device(cookie, "bob", "mark") is None
    assert known_device(cookie, "anna", "another mark") is None
    device, _, signature = cookie.partition(".")
    for forged in ("", "~", device, f"other.{signature}", f"{device}.{'0' * 32}", "x.é"):
        assert known_device(forged, "anna", "mark") is None


def test_a_browser_remembers_a_few_accounts_and_its_id_in_each() -> None:
    cookie = remember("", "anna", "mark")
    device = known_device(cookie, "anna", "mark")
    for name in ("bob", "carl", "anna"):
        cookie = remember(cookie, name, "mark")
    assert known_device(cookie, "anna", "mark") == device
    assert cookie.count("~") == 2
    for n in range(20):
        cookie = remember(cookie, f"person{n}", "mark")
    assert known_device(cookie, "anna", "mark") is None
    assert cookie.count("~") == 3
    assert len(cookie) <= 400
    header = set_cookie(cookie).decode().lower()
    assert {"httponly", "samesite=lax", "path=/login"} <= {part.strip() for part in header.split(";")}
