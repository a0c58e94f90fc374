"""The client's address behind proxies: only the proxies in `KIMI_PROXIES` are trusted.

A client can send any header. So `X-Forwarded-For`, `X-Forwarded-Proto`, and the header in which a proxy names its
users, are accepted from trusted proxies only.
"""

from __future__ import annotations

import ipaddress
import logging

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.limits.guards import AllowedPlaces
from engine.config import parse_networks

_THIS_MACHINE = "127.0.0.0/8, ::1"
_WARNINGS = 10
_log = logging.getLogger("app.access.proxies")


class Proxies:
    """The trusted proxies, from a comma-separated list of addresses and networks.

    Raises:
        ValueError: an entry is neither.
    """

    def __init__(self, named: str) -> None:
        self._networks = parse_networks(named)

    def __contains__(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)

    def client(self, forwarded: str) -> str | None:
        """The first address from the right that is not one of the proxies, each of which appends the address it saw.

        None if there is none, or an entry is invalid.
        """
        for entry in reversed(forwarded.split(",")):
            address = _address(entry.strip())
            if address is None:
                return None
            if address not in self:
                return address
        return None


class Forwarded:
    """Plain ASGI, outermost: puts the client's address and the scheme into the scope, if the proxy is trusted.

    `auth_header` is the one in which a proxy names its users; it is removed unless it comes from a proxy in the list
    or, without a list, from this machine.
    """

    def __init__(self, app: ASGIApp, proxies: str, places: AllowedPlaces, auth_header: str = "") -> None:
        self._app = app
        self._proxies = Proxies(proxies)
        self._places = places
        self._auth_header = auth_header.lower().encode("latin-1", "replace")
        self._may_name_people = self._proxies if proxies.strip() else Proxies(_THIS_MACHINE)
        self._warned: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one ASGI connection."""
        if scope["type"] in {"http", "websocket"}:
            scope = self._seen(scope)
        await self._app(scope, receive, send)

    def _seen(self, scope: Scope) -> Scope:
        peer, port = scope.get("client") or ("", 0)
        headers = Headers(scope=scope)
        secure = self._places.is_https(headers.get("host", ""))
        client = (peer, port)
        if peer in self._proxies:
            forwarded = ",".join(headers.getlist("x-forwarded-for"))
            if address := self._proxies.client(forwarded):
                client = (address, 0)
            # Each proxy appends to the list or replaces it, so the last entry is from the nearest one.
            scheme = ",".join(headers.getlist("x-forwarded-proto")).rpartition(",")[2].strip().lower()
            if scheme in {"http", "https", "ws", "wss"}:
                secure = scheme in {"https", "wss"}
        kind = "ws" if scope["type"] == "websocket" else "http"
        scheme = scope.get("scheme", kind)
        scope = {**scope, "client": client, "scheme": f"{kind}s" if secure else scheme}
        names = [value for name, value in scope["headers"] if name.lower() == self._auth_header]
        # Two of them: the proxy added its own to the client's, and they cannot be told apart.
        if len(names) > 1 or (names and peer not in self._may_name_people):
            self._warn(peer, len(names))
            scope["headers"] = [item for item in scope["headers"] if item[0].lower() != self._auth_header]
        return scope

    def _warn(self, peer: str, names: int) -> None:
        if peer in self._warned or len(self._warned) >= _WARNINGS:
            return
        self._warned.add(peer)
        header = self._auth_header.decode("latin-1")
        if names > 1:
            _log.warning("%s sent %s twice: let the proxy replace it, not add to it", peer, header)
        else:
            _log.warning("%s sent %s, but is not in KIMI_PROXIES: the header is ignored", peer, header)


def _address(entry: str) -> str | None:
    """The address of an entry, which may have a port: `192.0.2.1:80`, `[2001:db8::1]:80`."""
    if entry.startswith("["):
        entry = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        entry = entry.partition(":")[0]
    try:
        return str(ipaddress.ip_address(entry))
    except ValueError:
        return None
