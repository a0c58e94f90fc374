"""Writes and reads the events of the browser's socket.

They are in Socket.IO's format, without its support for binary data: searching each batch of an answer for bytes takes
longer than encoding it. Reading limits the number of values.
"""

from __future__ import annotations

from typing import Any

import orjson
from engineio import json
from socketio.base_server import BaseServer
from socketio.packet import ACK, BINARY_ACK, BINARY_EVENT, CONNECT, DISCONNECT, EVENT, Packet

from app.json_values import too_many_values

_MOST_VALUES = 20_000
"""A question is one value, however long; its files and the settings are a few dozen."""
_DEEPEST = 64


class BadPacketError(Exception):
    """A packet that no browser sends."""


class _Json:
    """A JSON library, in the interface that python-socketio expects."""

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        if too_many_values(text, _MOST_VALUES, _DEEPEST):
            raise BadPacketError
        try:
            # This blocks the event loop, but four megabytes take only a few milliseconds.
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            # Unpaired surrogates, which users may paste. This parser rejects numbers with hundreds of digits.
            return json.loads(text)

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        try:
            # In UTF-8, where Chinese takes half the size of its escapes.
            return orjson.dumps(value).decode()
        except orjson.JSONEncodeError:
            # Unpaired surrogates, or numbers above 64 bits, which a model or a user may have written.
            return str(json.dumps(value, separators=(",", ":")))


class TextPacket(Packet):  # type: ignore[misc] # python-socketio ships no types
    """A packet without binary data: none of the events in use, ours or Chainlit's, has any."""

    uses_binary_events = False
    json = _Json


def read_packet(data: object, *, signed_in: bool) -> TextPacket:
    """Parses a Socket.IO packet from a browser; before signing in, only a request to connect is allowed.

    Raises:
        BadPacketError: it is malformed, has too many values, or is of a kind that no browser sends here.
    """
    # A packet with attachments would be kept until all have arrived, and it may announce billions.
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
    """Whether it has the name of an event that browsers may send.

    The server itself calls the handlers of `connect` and `disconnect`. It would also call them for a client's event of
    that name, whose sender could then choose the cookie that they see.
    """
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        return False
    return data[0] not in BaseServer.reserved_events
