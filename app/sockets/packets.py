"""How events are written for the browser's socket, and read from it.

They are written in Socket.IO's own way, without what it does for events with bytes: a frame of an answer is such an
event, and looking through it for bytes takes longer than writing it down. They are read with a limit on their values.
"""

from __future__ import annotations

from typing import Any

import orjson
from engineio import json
from socketio.base_server import BaseServer
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, DISCONNECT, EVENT, Packet

from app.json_values import too_many_values

_MOST_VALUES = 20_000
"""A question is one value, however long; its files, and the settings, are a few dozen."""
_DEEPEST = 64


class BadPacketError(Exception):
    """A packet that no browser sends."""


class _Json:
    """What python-socketio takes for a JSON library."""

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        if too_many_values(text, _MOST_VALUES, _DEEPEST):
            raise BadPacketError
        try:
            # Nobody else is served meanwhile: four megabytes take it a few milliseconds.
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            # Halves of a character, which people paste. It refuses numbers of hundreds of digits.
            return json.loads(text)

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


def read_packet(data: object, *, signed_in: bool) -> TextPacket:
    """Reads a packet of Socket.IO's that came from a browser; before signing in, it can only ask to.

    Raises:
        BadPacketError: it is malformed, has too many values, or is of a kind that no browser sends here.
    """
    # A packet with attachments would be kept until all of them had come: there may be billions.
    if not isinstance(data, str) or data[:1] in {str(BINARY_EVENT), str(BINARY_ACK)}:
        raise BadPacketError
    if not signed_in and data[:1] != str(CONNECT):
        raise BadPacketError
    try:
        packet = TextPacket(encoded_packet=data)
    except (ValueError, TypeError, IndexError, RecursionError):
        raise BadPacketError from None
    if packet.packet_type == EVENT and _is_event(packet.data):
        return packet
    if packet.packet_type == ACK and isinstance(packet.data, list) and packet.id is not None:
        return packet
    if packet.packet_type in {CONNECT, DISCONNECT}:
        return packet
    raise BadPacketError


def _is_event(data: object) -> bool:
    """Whether it has the name of an event that a browser sends.

    The server calls the handlers of `connect` and `disconnect` itself. It would also call them for an event of that
    name, and the sender would choose the cookie that they see.
    """
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        return False
    return data[0] not in BaseServer.reserved_events
