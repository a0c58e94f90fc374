"""What becomes of the chats of a person who has left: they are deleted, or handed over to another person.

`./start.sh user chats` runs this as a program of its own, beside the page if that runs.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from pathlib import Path

from sqlalchemy import delete, func, select, update

from app.errors import HistoryError
from app.history.database import Database, database_url
from app.history.tables import threads, users
from app.history.users import Users
from engine.config import ConfigError, load_settings

_MOST_NAMES = 50


async def names(database: Database) -> list[str]:
    """The names of all who have chats, with the latest first; at most 50.

    Raises:
        HistoryError: the database does not answer.
    """
    query = select(users.c.identifier).join(threads).group_by(users.c.id, users.c.identifier)
    async with database.reading() as connection:
        rows = await connection.execute(query.order_by(func.max(threads.c.updated).desc()).limit(_MOST_NAMES))
        return list(rows.scalars())


async def known(database: Database, name: str) -> bool:
    """Whether a user of this name has ever signed in.

    Raises:
        HistoryError: the database does not answer.
    """
    async with database.reading() as connection:
        return (await connection.execute(select(users.c.id).where(users.c.identifier == name))).first() is not None


async def count(database: Database, name: str) -> int:
    """The number of a user's chats; 0 for an unknown name.

    Raises:
        HistoryError: the database does not answer.
    """
    query = select(func.count()).select_from(threads.join(users)).where(users.c.identifier == name)
    async with database.reading() as connection:
        return int((await connection.execute(query)).scalar_one())


async def delete_chats(database: Database, uploads: Path, name: str) -> int:
    """Deletes a user's chats with their pictures; returns how many there were.

    Raises:
        HistoryError: they could not be deleted, and neither were the pictures.
    """
    async with database.writing() as connection:
        own = threads.c.user_id.in_(select(users.c.id).where(users.c.identifier == name))
        gone = list((await connection.execute(select(threads.c.id).where(own))).scalars())
        await connection.execute(delete(threads).where(threads.c.id.in_(gone)))
    for thread_id in gone:
        await asyncio.to_thread(shutil.rmtree, uploads / thread_id, ignore_errors=True)
    return len(gone)


async def hand_over(database: Database, name: str, other: str) -> int:
    """Gives a user's chats to another user, even one who has never signed in; returns how many there are.

    Raises:
        HistoryError: the database does not answer; nothing was changed.
    """
    taker = await Users(database).get(other)
    own = threads.c.user_id.in_(select(users.c.id).where(users.c.identifier == name))
    async with database.writing() as connection:
        moved = await connection.execute(update(threads).where(own).values(user_id=taker.id))
    return int(moved.rowcount)


async def _run(act: str, name: str, other: str) -> list[str]:
    settings = load_settings()
    database = Database(database_url(settings.database_url.get_secret_value(), settings.files.chats))
    await database.open()
    try:
        match act:
            case "names":
                return await names(database)
            case "known":
                return [name] if await known(database, name) else []
            case "delete":
                return [str(await delete_chats(database, settings.files.uploads, name))]
            case "give":
                return [str(await hand_over(database, name, other))]
            case _:
                return [str(await count(database, name))]
    finally:
        await database.close()


def main() -> int:
    """Prints the number of chats, or names, one in each line; returns 1 after one sentence if it can't be done."""
    parser = argparse.ArgumentParser()
    parser.add_argument("act", choices=("names", "known", "count", "delete", "give"))
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("other", nargs="?", default="")
    chosen = parser.parse_args()
    try:
        print(*asyncio.run(_run(chosen.act, chosen.name, chosen.other)), sep="\n")
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    except HistoryError as error:
        print(f"The chats can't be read or changed ({error}): ./start.sh doctor says more.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
