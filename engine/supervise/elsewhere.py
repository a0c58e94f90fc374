"""A server that we do not start (`KIMI_ENGINE=openai`): whether it answers, and if not, why."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.lazily import aiohttp
from engine.status import Reason

AGAIN_EVERY = 5.0
"""Seconds between two questions to a server that does not answer."""
PATIENCE_SECONDS = 10.0
"""How long one answer may take."""
_MOST_BYTES = 4 * 1024 * 1024
_MOST_NAMES = 5


@dataclass(frozen=True)
class Elsewhere:
    """The server at `base_url`, which ends before `/models`, and the `model` that it is to have."""

    base_url: str
    model: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def models_url(self) -> str:
        """Where it lists its models."""
        return f"{self.base_url}/models"

    @property
    def address(self) -> str:
        """The address to show: without a name and password, which it may hold."""
        return re.sub(r"(?<=//)[^/@]*@", "", self.base_url)

    async def look(self) -> Reason | None:
        """Asks it for its models: what keeps people from using it; None where nothing does."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
        try:
            # By a proxy of the environment, as the page does.
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=self.headers, trust_env=True) as session,
                session.get(self.models_url) as reply,
            ):
                return self._answered(reply.status, await _body(reply))
        except TimeoutError:
            return Reason("remote_timeout", {"address": self.address, "seconds": int(PATIENCE_SECONDS)})
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._unreachable(error)

    def _unreachable(self, error: Exception) -> Reason:
        if isinstance(error, aiohttp.ClientSSLError):
            return Reason("remote_tls", {"address": self.address, "error": str(error)})
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            return Reason("remote_unknown_host", {"address": self.address, "host": error.host})
        if isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError):
            return Reason("remote_refused", {"address": self.address})
        said = (str(error) or type(error).__name__).replace(self.base_url, self.address)
        return Reason("remote_unreachable", {"address": self.address, "error": said})

    def _answered(self, status: int, body: bytes) -> Reason | None:
        if status in {401, 403}:
            return Reason("remote_key", {"address": self.address, "status": status})
        if status >= 500:
            return Reason("remote_error", {"address": self.address, "status": status})
        names = _names(body) if status == 200 else None
        if names is None:
            return Reason("remote_no_api", {"address": self.address, "status": status})
        if self.model and names and self.model not in names:
            served = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
            return Reason("remote_no_model", {"address": self.address, "model": self.model, "served": served})
        return None

    async def until_it_answers(self, tell: Callable[[Reason], None]) -> Reason | None:
        """Asks again and again; `tell` hears each new reason why it can't be used, with since when.

        Returns what is to be said of it though it can be used.
        """
        since, told = datetime.now().astimezone().strftime("%H:%M"), None
        while (found := await self.look()) and found.key != "remote_no_model":
            if found != told:
                told = found
                tell(replace(found, values={**found.values, "since": since, "again_every": int(AGAIN_EVERY)}))
            await asyncio.sleep(AGAIN_EVERY)
        return found


async def _body(reply: aiohttp.ClientResponse) -> bytes:
    """At most `_MOST_BYTES` of it."""
    body = bytearray()
    async for chunk in reply.content.iter_chunked(65536):
        body += chunk
        if len(body) > _MOST_BYTES:
            break
    return bytes(body)


def _names(body: bytes) -> list[str] | None:
    """The names in a list of models; None where it is no such list."""
    try:
        listed = json.loads(body)
        return [str(model["id"]) for model in listed["data"]]
    except (ValueError, LookupError, TypeError):
        return None
