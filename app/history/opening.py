"""The database at the start of the page, which may come up before it: after a reboot, or while it is being updated."""

from __future__ import annotations

import asyncio

from app.errors import HistoryError
from app.history.database import Database, NewerDatabaseError
from engine.supervise.page_log import say_cannot_start, say_waiting

_AGAIN_SECONDS = 5.0


async def until_open(database: Database, again: float = _AGAIN_SECONDS) -> None:
    """Opens it, and where that fails tries again every `again` seconds until it can be used.

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
