"""The lower bound: reads the same bytes from the same engine, and discards them.

`python -m tests.benchmarks.wire ADDRESS STREAMS TOKENS RATE` prints the seconds of CPU that it took.
"""

from __future__ import annotations

import asyncio
import sys
import time

import aiohttp

from tests.benchmarks.load import Load


async def _read(session: aiohttp.ClientSession, address: str, load: Load) -> None:
    body = {"model": "measured", "stream": True, "messages": [{"role": "user", "content": load.question}]}
    async with session.post(f"{address}/v1/chat/completions", json=body) as reply:
        async for _ in reply.content.iter_any():
            pass


async def _main(address: str, streams: int, tokens: int, rate: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session:
        await asyncio.gather(*(_read(session, address, Load(10, rate)) for _ in range(streams)))
        before = time.process_time()
        await asyncio.gather(*(_read(session, address, Load(tokens, rate)) for _ in range(streams)))
        print(time.process_time() - before)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], *map(int, sys.argv[2:5])))
