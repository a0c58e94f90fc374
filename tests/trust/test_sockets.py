"""The page's sockets with strangers who never sign in, and with a person who overloads them."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from pathlib import Path

import aiohttp
import psutil

from tests.browser.access.test_safety import Caller
from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import LONG, Visitor, shown


async def test_a_flood_of_sockets_that_never_sign_in_keeps_no_one_out_and_cuts_no_answer(page: ScriptedProduct) -> None:
    page.engine.script = Script(hold=True)
    limit = psutil.Process(page.pid).rlimit(psutil.RLIMIT_NOFILE)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http, Visitor(page) as early:
        await early.start("Hello?")
        await asyncio.to_thread(page.wait, lambda engine: engine.requests, LONG)
        # Fewer files than the strangers' sockets.
        psutil.Process(page.pid).rlimit(psutil.RLIMIT_NOFILE, (300, limit[1]))
        try:
            flood = []
            for _ in range(400):
                with contextlib.suppress(aiohttp.ClientError):
                    flood.append(await http.ws_connect(f"{page.url}/ws/socket.io/?EIO=4&transport=websocket"))
            assert len(flood) > 300
            async with Visitor(page) as late:
                page.thread.go()
                await early.until(lambda events: "An answer." in shown(events), "the answer that was begun before")
                assert "An answer." in shown(await late.ask("Hello?"))
        finally:
            psutil.Process(page.pid).rlimit(psutil.RLIMIT_NOFILE, limit)


async def test_a_strangers_large_packet_ends_their_socket_and_is_in_no_log(page: ScriptedProduct) -> None:
    before = len(page.log())
    async with aiohttp.ClientSession() as http:
        for packet in ("40" + "[" * 70_000, "42[", '42["stop"]', "4{", "x"):
            wire = await http.ws_connect(f"{page.url}/ws/socket.io/?EIO=4&transport=websocket")
            await wire.send_str(packet)
            async with asyncio.timeout(LONG):
                while not wire.closed:
                    await wire.receive()
    assert page.log()[before:] == ""


async def test_a_chat_is_shown_once_for_each_connection(visitor: Visitor) -> None:
    await visitor.until(lambda events: any(name == "clear_call_fn" for name, _ in events), "the chat")
    before = len(visitor.events)
    for _ in range(20):
        await visitor.send("connection_successful")
    # Its first event for a browser that has just connected.
    assert "clear_ask" not in [name for name, _ in await visitor.ask("Hello?")]
    assert "clear_ask" not in [name for name, _ in visitor.events[before:]]


async def test_opening_too_many_windows_disconnects_the_oldest_which_says_so(tmp_path: Path) -> None:
    # A separate page: connections per minute are limited, and the other tests here are the same person.
    with ScriptedProduct(tmp_path / "workspace") as page:
        async with Visitor(page) as visitor:
            await _open_too_many_windows(visitor, page)


async def _open_too_many_windows(visitor: Visitor, page: ScriptedProduct) -> None:
    def open_many() -> list[str]:
        # Of some windows the session goes on to the next one, which leaves a socket without a session.
        ids = [str(uuid.uuid4()) for _ in range(32)]
        return [visitor.caller.connect(session_id) for session_id in ids * 2]

    assert all(answer.startswith("40") for answer in await asyncio.to_thread(open_many))
    with contextlib.suppress(ConnectionError):
        await visitor.until(lambda _: False, "the end of the connection")
    assert "too_many_windows" in [name for name, _ in visitor.events], "its page would connect again at once"
    [reported] = [data for name, data in visitor.events if name == "toast"]
    assert "64 windows" in reported["message"]
    assert Caller(page).request("GET", "/healthz")[0] == 200
