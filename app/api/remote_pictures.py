"""Fetches pictures that a program names by URL, only from the hosts in `KIMI_PICTURE_HOSTS`.

The engine never gets such a URL: it would follow redirects and resolve the name again. Here every address of the name
must be public, and the connection goes to one of exactly these addresses.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from http.cookies import CookieError
from socket import AddressFamily

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from app.api.addresses import is_public
from app.api.errors import ApiError, bad_request

SECONDS = 30.0
"""The time limit for one picture, from the DNS lookup to the last byte."""
_LONGEST_URL = 8192
_FORBIDDEN = {chr(code) for code in range(0x21)} | {"\\", "\x7f"}
_WAY_OUT = (
    "Pictures come as data: URLs (data:image/png;base64,…). http(s) URLs are accepted only from hosts in "
    "KIMI_PICTURE_HOSTS that have public addresses."
)


class RemotePictures:
    """Fetches from the hosts in a setting such as `pictures.example.org, example.com:8443`.

    A host without a port means the default port of http and https. `permitted` decides whether a numeric address may be
    connected to; `resolver` creates the DNS resolver.
    """

    def __init__(
        self,
        hosts: str,
        permitted: Callable[[str], bool] = is_public,
        resolver: Callable[[], AbstractResolver] = aiohttp.ThreadedResolver,
    ) -> None:
        self._hosts = {entry.strip().lower() for entry in hosts.split(",") if entry.strip()}
        self._permitted = permitted
        self._resolver = resolver

    async def fetch(self, text: str, most: int, param: str) -> bytes:
        """The bytes at a URL, at most `most`. `param` is its position in the request, for errors.

        Raises:
            ApiError: the URL is not allowed, or fetching it failed.
        """
        url = self._allowed(text, param)
        connector = aiohttp.TCPConnector(
            resolver=_CheckedResolver(self._resolver(), self._permitted), use_dns_cache=False, force_close=True
        )
        try:
            async with aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "kimi-vl-chat", "Accept": "image/*", "Accept-Encoding": "identity"},
                # Compressed data could expand to any size.
                auto_decompress=False,
                trust_env=False,
            ) as session:
                return await _read(session, url, most, param)
        except _NotPublicError:
            raise bad_request(_WAY_OUT, param, "picture_url_refused") from None
        except TimeoutError:
            raise _failed(url, f"it took longer than {SECONDS:.0f} s", param) from None
        except (aiohttp.ClientError, CookieError, OSError, ValueError):
            raise _failed(url, "the host does not answer as it should", param) from None

    def _allowed(self, text: str, param: str) -> URL:
        """The URL, if it may be fetched; parsed by the same parser that the connection uses."""
        refusal = bad_request(_WAY_OUT, param, "picture_url_refused")
        if len(text) > _LONGEST_URL or not _FORBIDDEN.isdisjoint(text):
            raise refusal
        try:
            url = URL(text)
            host, port, user, password = url.raw_host, url.port, url.user, url.password
        except ValueError:
            raise refusal from None
        if url.scheme not in {"http", "https"} or not host or user is not None or password is not None:
            raise refusal
        usual = {"http": 80, "https": 443}[url.scheme]
        named = f"{host}:{port}" in self._hosts or (port == usual and host in self._hosts)
        # A numeric host does not go through the resolver.
        if not named or (_is_numeric(host) and not self._permitted(host)):
            raise refusal
        return url


async def _read(session: aiohttp.ClientSession, url: URL, most: int, param: str) -> bytes:
    async with session.get(url, allow_redirects=False) as response:
        if 300 <= response.status < 400:
            raise _failed(url, "it redirects, and redirects are not followed", param)
        if response.status != 200:
            raise _failed(url, f"the host answers {response.status}", param)
        data = bytearray()
        async for chunk in response.content.iter_chunked(65536):
            data += chunk
            if len(data) > most:
                raise _failed(url, f"it is larger than {most // 1024 // 1024} MB", param)
        return bytes(data)


def _failed(url: URL, reason: str, param: str) -> ApiError:
    message = f"The picture could not be fetched from {url.raw_host}: {reason}. Send it as a data: URL instead."
    return bad_request(message, param, "picture_not_fetched")


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _NotPublicError(Exception):
    """A name has an address that is not permitted."""


class _CheckedResolver(AbstractResolver):
    """Resolves a name once, and returns its addresses only if all of them are permitted.

    A name with both a public and a private address is an attack or a mistake, so no connection is made.
    """

    def __init__(self, inner: AbstractResolver, permitted: Callable[[str], bool]) -> None:
        self._inner = inner
        self._permitted = permitted

    async def resolve(
        self, host: str, port: int = 0, family: AddressFamily = AddressFamily.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(self._permitted(result["host"]) for result in found):
            raise _NotPublicError
        return found

    async def close(self) -> None:
        await self._inner.close()
