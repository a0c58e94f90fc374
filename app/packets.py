"""How events are written for the browser's socket: Socket.IO's own way, without what it does for events with bytes.

They are read as ever.

A frame of an answer is such an event; looking through it for bytes takes longer than writing it down.
"""

from __future__ import annotations

from typing import Any

import orjson
from engineio import json
from socketio.packet import Packet


class _Json:
    """What python-socketio takes for a JSON library."""

    # It refuses numbers of hundreds of digits, which take long to read.
    loads = staticmethod(json.loads)

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        try:
            # In UTF-8, where Chinese takes half of what its escapes would.
            return orjson.dumps(value).decode()
        except orjson.JSONEncodeError:
            # Halves of a character, or numbers above 64 bits, which a model or a person may have written.
            return str(json.dumps(value, separators=(",", ":")))


class TextPacket(Packet):  # type: ignore[misc] # python-socketio ships no types
    """An event without bytes in it; of ours and of those of Chainlit's that are in use none has any."""

    uses_binary_events = False
    json = _Json
