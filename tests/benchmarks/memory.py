"""The memory of the web process: idle, with 64 live chats, and after hundreds were opened and closed."""

from __future__ import annotations

import asyncio

from tests.benchmarks.apps import App
from tests.benchmarks.client import SocketClient
from tests.benchmarks.load import Load

_AT_ONCE = 8
_TURNS = 3


async def memory(app: App, conversations: int, live: int) -> dict[str, float]:
    """MiB (PSS) at each of the moments; the ratio is that of after to before, once the first chats have warmed it."""
    idle = app.memory()
    await _open_and_close(app, _AT_ONCE * 2)
    warm = app.memory()
    held = await _live(app, live)
    await _open_and_close(app, conversations)
    # What the connection that has ended still holds goes with the next turns of the event loop.
    await asyncio.sleep(1)
    after = app.memory()
    return {
        "idle_mib": round(idle, 1),
        "warm_mib": round(warm, 1),
        "live": live,
        "live_mib": round(held, 1),
        "conversations": conversations,
        "after_mib": round(after, 1),
        "after_of_warm": round(after / warm, 3),
        "after_of_idle": round(after / idle, 3),
    }


async def _open_and_close(app: App, conversations: int) -> None:
    left = iter(range(conversations))

    async def worker() -> None:
        for _ in left:
            client = await SocketClient.open(app.url)
            await client.ask(Load(40, 1000))
            await client.close(new_chat=True)

    await asyncio.gather(*(worker() for _ in range(_AT_ONCE)))


async def _live(app: App, chats: int) -> float:
    clients: list[SocketClient] = []
    try:
        for _ in range(chats):
            clients.append(await SocketClient.open(app.url))
            for _ in range(_TURNS):
                await clients[-1].ask(Load(300, 5000))
        return app.memory()
    finally:
        await asyncio.gather(*(client.close(new_chat=True) for client in clients))
