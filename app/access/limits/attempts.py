"""Counts wrong secrets by address, so that guessing them is slow."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable

_ADDRESSES_REMEMBERED = 10_000
_LONGEST_ADDRESS = 64
"""The most characters kept of an invalid address."""


class Attempts:
    """Blocks an address after `most` wrong attempts within `seconds`."""

    def __init__(self, most: int = 10, seconds: float = 300, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def closed_for(self, address: str) -> bool:
        """Whether this address has to wait."""
        wrong = self._wrong.get(network_of(address), deque())
        while wrong and wrong[0] <= self._clock() - self._seconds:
            wrong.popleft()
        return len(wrong) >= self._most

    def count(self, address: str) -> None:
        """Counts an attempt as wrong until it is forgiven."""
        network = network_of(address)
        self._wrong.setdefault(network, deque()).append(self._clock())
        self._wrong.move_to_end(network)
        if len(self._wrong) > _ADDRESSES_REMEMBERED:
            self._wrong.popitem(last=False)

    def forgive(self, address: str) -> None:
        """Forgets what was counted: the secret was right."""
        self._wrong.pop(network_of(address), None)


def network_of(address: str) -> str:
    """The network that counts as one client: with IPv6 every client has 2^64 addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:_LONGEST_ADDRESS]
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
