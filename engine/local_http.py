"""Fetches JSON from the programs that the supervisor started, and from an engine that the settings name."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def get_json(url: str, key: str, seconds: float, through_proxy: bool = True) -> Any:
    """The JSON at `url`, requested with `key`; each step may take `seconds`.

    Uses the environment's proxy unless `through_proxy` is False or the address is this machine's own, which a proxy
    can't reach.

    Raises:
        OSError: there is no answer, or an error.
        ValueError: the answer is not JSON.
    """
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})  # noqa: S310 - from the settings
    direct = not through_proxy or urlsplit(url).hostname in _LOOPBACK
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({} if direct else None))
    with opener.open(request, timeout=seconds) as reply:
        return json.load(reply)
