"""Fetches JSON from the programs that the supervisor started, and from an engine that the settings name."""

from __future__ import annotations

import json
import urllib.request
from typing import IO, Any
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
    with _open(url, key, None, seconds, through_proxy) as reply:
        return json.load(reply)


def post(url: str, key: str, body: object, seconds: float) -> IO[bytes]:
    """Sends JSON; the reply is read line by line as it comes, and is to be closed.

    Raises:
        OSError: nobody answers, or with an error.
    """
    return _open(url, key, json.dumps(body).encode(), seconds, through_proxy=True)


def _open(url: str, key: str, body: bytes | None, seconds: float, through_proxy: bool) -> IO[bytes]:
    headers = {"Authorization": f"Bearer {key}"} | ({"Content-Type": "application/json"} if body else {})
    request = urllib.request.Request(url, body, headers)  # noqa: S310 - from the settings
    direct = not through_proxy or urlsplit(url).hostname in _LOOPBACK
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({} if direct else None))
    opened: IO[bytes] = opener.open(request, timeout=seconds)
    return opened
