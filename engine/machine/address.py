"""Under which address others reach the page."""

from __future__ import annotations

import socket
from pathlib import Path

from engine.config import Settings

_EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - compared, not bound
_OUTSIDE = "192.0.2.1"
"""An address of documentation: which of ours would be used for it is asked, and nothing is sent."""
_CONTAINERS = (Path("/.dockerenv"), Path("/run/.containerenv"))


def address_for_others(settings: Settings) -> str:
    """The first of `KIMI_ORIGINS`, or else this machine's own; empty where nobody else can come, or none is known.

    A container's own address is of no use outside.
    """
    if settings.for_this_machine:
        return ""
    origins = [origin.strip().rstrip("/") for origin in settings.origins.split(",") if origin.strip()]
    if origins:
        return origins[0]
    if settings.host not in _EVERYWHERE:
        return settings.page_url
    if any(mark.exists() for mark in _CONTAINERS):
        return ""
    own = own_address()
    return f"http://{own}:{settings.port}" if own else ""


def own_address() -> str:
    """This machine's address in its network, of IPv4; empty where it is in none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.connect((_OUTSIDE, 9))
        except OSError:
            return ""
        address = str(asking.getsockname()[0])
    return "" if address.startswith("127.") else address
