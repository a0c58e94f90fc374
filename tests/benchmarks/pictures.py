"""A phone's photo on its way to the engine, compared with Pillow alone, and its cost for other streams."""

from __future__ import annotations

import asyncio
import io
import statistics
import time
from typing import Any

from PIL import Image, ImageOps

from app.files.pictures import PictureLimits, normalise
from engine.catalog import find_model
from tests.benchmarks.apps import App, Apps
from tests.benchmarks.client import SocketClient
from tests.benchmarks.load import Load, phone_photo
from tests.benchmarks.streams import ages, marks

_BESIDE = Load(1200, 100)
"""The concurrent stream of another user: 12 s."""


async def pictures(apps: Apps, runs: int) -> dict[str, Any]:
    """Milliseconds; medians of `runs`. The same machine draws, asks and answers, so that all is slower than alone."""
    alone, first, again, words = [], [], [], []
    for seed in range(runs):
        photo = phone_photo(seed)
        alone.append(await asyncio.to_thread(_pillow, photo, _limits()))
        client = await SocketClient.open(apps.page.url)
        try:
            words.append(await _until_asked(apps.engine, client, []))
            for found in (first, again):
                found.append(await _until_asked(apps.engine, client, [await client.upload("photo.jpg", photo)]))
        finally:
            await client.close(new_chat=True)
    quiet, beside = await _beside(apps, 0), await _beside(apps, 3)
    pillow, ours, known, bare = (statistics.median(values) * 1000 for values in (alone, first, again, words))
    return {
        "pillow_ms": round(pillow, 1),
        "first_ms": round(ours, 1),
        "first_of_pillow": round(ours / pillow, 2),
        "again_ms": round(known, 1),
        "without_ms": round(bare, 1),
        "oldest_frame_quiet_ms": round(quiet, 1),
        "oldest_frame_beside_ms": round(beside, 1),
    }


def _limits() -> PictureLimits:
    model = find_model("Kimi-VL-A3B-Thinking-2506")
    return PictureLimits(model.picture_pixels, model.picture_side)


def _pillow(photo: bytes, limits: PictureLimits) -> float:
    """Seconds to decode, rotate, scale and encode it, without any checks."""
    made = normalise(photo, limits)
    began = time.perf_counter()
    with Image.open(io.BytesIO(photo)) as image:
        image.load()
        turned = ImageOps.exif_transpose(image).resize((made.width, made.height), Image.Resampling.LANCZOS)
    turned.save(io.BytesIO(), "JPEG", quality=95, subsampling=0)
    return time.perf_counter() - began


async def _until_asked(engine: App, client: SocketClient, files: list[str]) -> float:
    """Seconds from the question to the request at the engine."""
    load = Load(5, 100)
    heard = await client.ask(load, files)
    return (await marks(engine, load))["asked"] - heard.sent


async def _beside(apps: Apps, photos: int) -> float:
    """The oldest that a frame of another stream became, in ms, while so many new photos were sent one after another."""
    watcher, sender = await SocketClient.open(apps.page.url), await SocketClient.open(apps.page.url)
    made = [await asyncio.to_thread(phone_photo, 1000 + number) for number in range(photos)]
    try:
        await watcher.ask(Load(10, 100))
        load = Load(_BESIDE.tokens, _BESIDE.rate)
        asking = asyncio.create_task(watcher.ask(load))
        await asyncio.sleep(1)
        for photo in made:
            await sender.ask(Load(5, 100), [await sender.upload("photo.jpg", photo)])
        heard = await asking
        return max(ages(load, heard, (await marks(apps.engine, load))["first"]))
    finally:
        await asyncio.gather(watcher.close(new_chat=True), sender.close(new_chat=True))
