"""How fast the list of chats and a chat open with a long history: `python -m tests.benchmarks.history`.

Fills SQLite (or the database named by KIMI_DATABASE_URL, which must be empty) with 1,000 threads of 20 messages, each
answer with a page of text, every other question with a picture, and prints milliseconds.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.history.copies import Copy
from app.history.database import Database, database_url
from app.history.listing import list_threads
from app.history.store import History
from app.history.users import Users
from app.talk.conversation import Answer, Picture, Turn, new_id
from tests.instruments.answers import parts_of

THREADS = 1000
TURNS = 10
"""Twenty messages: a question and an answer each."""
_TIMES = 30


def _turns(number: int, uploads: Path, thread: str) -> list[Turn]:
    turns: list[Turn] = []
    for at in range(TURNS):
        picture = Picture(str(uploads / thread / f"{at}.png"), "a.png", 800, 600)
        answer = Answer(parts_of("Thinking. " * 100, f"Answer {number}.{at}: " + "word " * 400), "stop", 2.0, line="x")
        pictures = [] if at % 2 else [picture]
        parent = turns[-1].id if turns else ""
        turns.append(Turn(new_id(), f"Question {number}.{at}?", pictures, [answer], 0, parent=parent))
    return turns


async def _fill(history: History, user: str) -> list[str]:
    made = []
    for number in range(THREADS):
        thread = new_id()
        turns = _turns(number, history.uploads, thread)
        await history.save(Copy(user, thread), turns, {"temperature": 0.5}, turns[-1].id)
        made.append(thread)
    return made


async def _measure(name: str, work: Callable[[int], Awaitable[object]]) -> None:
    taken = []
    for number in range(_TIMES):
        begun = time.perf_counter()
        await work(number)
        taken.append((time.perf_counter() - begun) * 1000)
    taken.sort()
    print(f"{name:34} median {statistics.median(taken):7.1f} ms   95th {taken[int(_TIMES * 0.95)]:7.1f} ms")


async def main(folder: Path) -> None:
    """Fills a database and measures it."""
    database = Database(database_url(os.environ.get("KIMI_DATABASE_URL", ""), folder / "chat.db"))
    await database.open()
    history, users = History(database, folder / "uploads"), Users(database)
    user = (await users.get("anna")).id
    begun = time.perf_counter()
    made = await _fill(history, user)
    print(f"{database}: {THREADS} threads of {2 * TURNS} messages written in {time.perf_counter() - begun:.1f} s")
    page = await list_threads(database, user, 35)
    cursor = page.entries[-1].cursor

    async def save(number: int) -> None:
        await history.save(Copy(user, made[number], kept=True), [Turn(new_id(), "One more?")], {}, "")

    await _measure("first page of the list", lambda _: list_threads(database, user, 35))
    await _measure("second page of the list", lambda _: list_threads(database, user, 35, cursor=cursor))
    await _measure("one thread", lambda n: history.of(user).load(made[n * 31 % THREADS]))
    await _measure("search, found in one answer", lambda n: list_threads(database, user, 20, search=f"answer {n}.3:"))
    await _measure("search, found nowhere", lambda _: list_threads(database, user, 20, search="nowhere at all"))
    await _measure("one more question written", save)
    await database.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(asyncio.run(main(Path(temporary))))
