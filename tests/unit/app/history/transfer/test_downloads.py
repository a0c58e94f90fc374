"""Downloads are complete, a few run at once for one person, and unread ones are cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.types import Message, Scope

from app.errors import Refusal
from app.history.transfer.downloads import Download, Downloads

SCOPE: Scope = {"type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "method": "GET", "path": "/"}


class Reader:
    """A browser that takes a piece whenever `reads` is set."""

    def __init__(self, reads: bool = True) -> None:
        self.reads = asyncio.Event()
        if reads:
            self.reads.set()
        self.got: list[Message] = []

    async def receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            await self.reads.wait()
        self.got.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.got)

    @property
    def whole(self) -> bool:
        return bool(self.got) and not self.got[-1].get("more_body", True)


async def pieces(count: int = 3, size: int = 100_000) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number]) * size


def download(downloads: Downloads, person: str = "anna", **made: int) -> Download:
    return downloads.reply(pieces(**made), person, "店铺.json", "application/json")


async def begin(reply: Download, reader: Reader) -> asyncio.Task[Any]:
    task = asyncio.create_task(reply(SCOPE, reader.receive, reader.send))
    for _ in range(20):
        await asyncio.sleep(0)
    return task


async def test_a_download_is_whole_and_has_its_name() -> None:
    reader = Reader()
    await (await begin(download(Downloads()), reader))
    assert reader.body == b"\0" * 100_000 + b"\1" * 100_000 + b"\2" * 100_000
    assert reader.whole
    assert max(len(message.get("body", b"")) for message in reader.got) <= 64 * 1024
    headers = dict(reader.got[0]["headers"])
    assert headers[b"content-disposition"] == b"attachment; filename*=UTF-8''%E5%BA%97%E9%93%BA.json"


async def test_of_one_person_two_are_sent_at_once_and_others_do_not_wait() -> None:
    downloads = Downloads()
    readers = [Reader(reads=False) for _ in range(4)]
    tasks = [await begin(download(downloads), reader) for reader in readers]
    assert [len(reader.got) for reader in readers] == [1, 1, 0, 0]
    other = Reader()
    await (await begin(download(downloads, "bert"), other))
    assert other.whole
    for reader in readers:
        reader.reads.set()
    await asyncio.gather(*tasks)
    assert all(reader.whole for reader in readers)


async def test_waiting_too_long_ends_in_a_sentence() -> None:
    downloads = Downloads(patience=0.01)
    tasks = [await begin(download(downloads), Reader(reads=False)) for _ in range(3)]
    with pytest.raises(Refusal) as refused:
        await tasks[2]
    assert (refused.value.status, refused.value.key) == (429, "refused_downloads")
    for task in tasks[:2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_an_unread_download_is_cut_off_and_is_not_a_whole_file() -> None:
    downloads, reader = Downloads(of_one=1, seconds=0.05), Reader(reads=False)
    await (await begin(download(downloads), reader))
    assert [message["type"] for message in reader.got] == ["http.response.start"]
    # The place is free again.
    other = Reader()
    await (await begin(download(downloads), other))
    assert other.whole
