"""Waits for the database at the start of the web process: after a reboot, or during its update, it may be late."""

from __future__ import annotations

import asyncio

from app.errors import HistoryError
from app.history.database import Database, NewerDatabaseError
from engine.supervise.page_log import say_cannot_start, say_waiting

_AGAIN_SECONDS = 5.0


async def until_open(database: Database, again: float = _AGAIN_SECONDS) -> None:
    """Opens the database, and retries every `again` seconds until that works.

    Raises:
        NewerDatabaseError: waiting would not help.
    """
    said = ""
    while True:
        try:
            await database.open()
        except NewerDatabaseError as error:
            say_cannot_start(str(error))
            raise
        except HistoryError as error:
            if str(error) != said:
                said = str(error)
                say_waiting(said)
            await asyncio.sleep(again)
        else:
            return
