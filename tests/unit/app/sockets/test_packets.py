"""Our packets to the browser are equivalent to Socket.IO's own."""

from __future__ import annotations

from typing import Any

import pytest
from socketio.packet import EVENT, Packet

from app.sockets.packets import TextPacket


@pytest.mark.parametrize(
    "value",
    [
        {"id": "a", "token": "汉字 🙂 \n\"'", "isSequence": False, "none": None, "deep": [1, 2.5, {"x": []}]},
        {"token": "half of a character: \ud83d"},
        {"number": 2**70, "not a string": {1: "one"}},
    ],
)
def test_an_event_comes_out_as_it_went_in(value: dict[str, Any]) -> None:
    written = TextPacket(EVENT, ["stream_token", value]).encode()
    assert isinstance(written, str)
    plain = Packet(EVENT, ["stream_token", value]).encode()
    assert Packet(encoded_packet=written).data == Packet(encoded_packet=plain).data


def test_chinese_is_written_in_its_own_letters() -> None:
    assert TextPacket(EVENT, ["stream_token", "汉字"]).encode() == '2["stream_token","汉字"]'
