"""Fair queues: many requests of one person do not delay another's few."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.fair_queue import FairLine, LineFullError


class Visit:
    """A visitor who takes a place and leaves it when the test says so."""

    def __init__(self, line: FairLine, person: str, served: list[str], seconds: float | None = None) -> None:
        self.end = asyncio.Event()
        self._line, self._person, self._served, self._seconds = line, person, served, seconds
        self.task = asyncio.create_task(self._visit())

    async def _visit(self) -> None:
        async with self._line.place(self._person, self._seconds):
            self._served.append(self._person)
            await self.end.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def visits(line: FairLine, people: str, served: list[str]) -> list[Visit]:
    """One after the other."""
    made = []
    for person in people:
        made.append(Visit(line, person, served))
        await settled()
    return made


async def test_people_are_served_in_turn_however_many_one_of_them_brings() -> None:
    served: list[str] = []
    everybody = await visits(FairLine(at_once=1), "aaaaabbc", served)
    for visit in [everybody[0], everybody[1], everybody[5], everybody[7], everybody[2], everybody[6]]:
        visit.end.set()
        await settled()
    assert "".join(served) == "aabcaba"
    for visit in everybody:
        visit.end.set()
    await asyncio.gather(*(visit.task for visit in everybody))
    assert served.count("a") == 5


async def test_people_without_a_name_are_served_too() -> None:
    line = FairLine(at_once=1)

    async def visit() -> None:
        async with line.place(""):
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await asyncio.gather(*(visit() for _ in range(5)))


async def test_one_person_has_no_more_than_their_places_and_others_pass_by() -> None:
    served: list[str] = []
    everybody = await visits(FairLine(at_once=3, of_one=1), "aaabc", served)
    assert served == ["a", "b", "c"]
    for visit in everybody:
        visit.end.set()
    await asyncio.gather(*(visit.task for visit in everybody))
    assert served == ["a", "b", "c", "a", "a"]


@pytest.mark.parametrize(("newest_wins", "refused"), [(False, 3), (True, 1)])
async def test_above_the_number_that_may_wait_one_is_refused(newest_wins: bool, refused: int) -> None:
    everybody = await visits(FairLine(at_once=1, waiting=2, newest_wins=newest_wins), "aaaa", [])
    for visit in everybody:
        visit.end.set()
    results = await asyncio.gather(*(visit.task for visit in everybody), return_exceptions=True)
    assert [number for number, result in enumerate(results) if isinstance(result, LineFullError)] == [refused]


async def test_a_waiter_that_times_out_or_leaves_makes_no_gap() -> None:
    line, served = FairLine(at_once=1), list[str]()
    first = Visit(line, "a", served)
    await settled()
    patient, impatient, gone = Visit(line, "b", served), Visit(line, "c", served, 0.01), Visit(line, "d", served)
    with pytest.raises(LineFullError):
        await impatient.task
    gone.task.cancel()
    first.end.set()
    await settled()
    assert served == ["a", "b"]
    patient.end.set()
    await patient.task
    # No one holds a place or waits any more.
    async with AsyncExitStack() as stack, asyncio.timeout(10):
        await stack.enter_async_context(line.place("d"))


async def test_a_place_given_in_the_moment_of_giving_up_is_passed_on() -> None:
    line, served = FairLine(at_once=1), list[str]()
    async with line.place("a"):
        second, third = Visit(line, "b", served), Visit(line, "c", served)
        await settled()
    # It has been given the place, and has not run since.
    second.task.cancel()
    third.end.set()
    async with asyncio.timeout(10):
        await third.task
    assert served == ["c"]


async def test_one_that_has_just_given_up_makes_room_for_the_newest() -> None:
    line, served = FairLine(at_once=1, waiting=1, newest_wins=True), list[str]()
    async with line.place("a"):
        second = Visit(line, "a", served)
        await settled()
        third = Visit(line, "a", served)
        # The third one runs before the second one learns that it was cancelled.
        second.task.cancel()
        third.end.set()
        await settled()
    async with asyncio.timeout(10):
        await third.task
    assert second.task.cancelled()
