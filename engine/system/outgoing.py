"""What a request to a server elsewhere needs: the environment's proxy, and an address that can be shown."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def masked(text: str) -> str:
    """The address, or a text with one in it, without the name and the password that it may hold."""
    return re.sub(r"(?<=//)[^/\s]*@", "", text)


def has_credentials(url: str) -> bool:
    """Whether the address itself holds a name or a password."""
    return masked(url) != url


def proxy_for(url: str) -> str | None:
    """The environment's proxy for this address; None: it is reached directly.

    aiohttp's `trust_env` would read ~/.netrc as well, and raise ValueError where that has the host and we send a key.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        # The request itself will say what is wrong with the address.
        return None
    if not parts.hostname or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = getproxies().get(parts.scheme, "")
    # aiohttp knows no other kind here.
    return proxy if proxy.startswith("http://") else None
