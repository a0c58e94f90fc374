"""Misbehaving engines behind the running page."""

from __future__ import annotations

import json

import pytest

from tests.instruments.scripted_engine import Script
from tests.instruments.scripted_product import ScriptedProduct
from tests.instruments.visitor import Visitor, errors, shown

BAD = {
    "html": Script(garbage=b"<!doctype html><h1>502 Bad Gateway</h1>"),
    "no json": Script(garbage=b"data: {no json}\n\n"),
    "json of another shape": Script(garbage=b'data: [1, 2]\n\ndata: {"choices": 5}\n\ndata: [DONE]\n\n'),
    "choices of another shape": Script(garbage=b'data: {"choices": [{"delta": {"content": 5}}]}\n\ndata: [DONE]\n\n'),
    "reasoning of another shape": Script(garbage=b'data: {"choices": [{"delta": {"reasoning": {"a": 1}}}]}\n\n'),
    "usage of another shape": Script(garbage=b'data: {"choices": [], "usage": [3]}\n\ndata: [DONE]\n\n'),
    "bytes": Script(garbage=bytes(range(256)) * 100),
    "nothing": Script(garbage=b"\n"),
    "an error in the stream": Script(garbage=b'data: {"error": {"message": "CUDA error", "code": 500}}\n\n'),
    "500": Script(status=500, error="Internal Server Error"),
    "503": Script(status=503, error="busy"),
    "418": Script(status=418, error="no"),
    "cut at once": Script(break_after=0),
}

# Each takes the ten seconds in which the supervisor could notice that the engine has died.
QUICK = {"500", "418", "choices of another shape"}


@pytest.mark.parametrize("what", [pytest.param(what, marks=[] if what in QUICK else pytest.mark.long) for what in BAD])
async def test_garbage_instead_of_an_answer_is_an_error_with_retry(
    visitor: Visitor, page: ScriptedProduct, what: str
) -> None:
    page.engine.script = BAD[what]
    events = await visitor.ask("Hello?")
    [sentence] = errors(events)
    assert "Something went wrong in the page" not in sentence
    assert "Traceback" not in sentence
    assert "retry" in json.dumps([data for _, data in events], default=str)
    page.engine.script = Script()
    assert "An answer." in shown(await visitor.ask("And now?"))


async def test_an_endless_answer_can_be_stopped_and_blocks_no_one(visitor: Visitor, page: ScriptedProduct) -> None:
    page.engine.script = Script(answer=["on and on "], endless=True, rate=2000)
    before = len(visitor.events)
    await visitor.start("Hello?")
    await visitor.until(lambda events: any(name == "stream_token" for name, _ in events[before:]), "a first word")
    page.engine.script = Script()
    async with Visitor(page) as other:
        assert "An answer." in shown(await other.ask("And I?"))
    assert page.engine.streaming == 1
    await visitor.send("stop")
    await visitor.over(before)
    assert page.engine.streaming == 0
    assert "An answer." in shown(await visitor.ask("And now?"))
