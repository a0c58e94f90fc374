"""The web process's side of the process that runs the tool servers (engine/tools)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from app.tools.tool import Outcome, Tool
from engine.config import Workspace
from engine.status import Reason, read_reason
from engine.tools.shared import LONGEST_SECONDS, NOT_RUNNING
from engine.wording import sentence

_LIST_SECONDS = 5.0
_MORE_SECONDS = 10.0
"""What the host may take beside the call itself."""


@dataclass(frozen=True)
class Listing:
    """The tools that can be called now, and what is wrong, by server; a problem of the whole file is below ""."""

    tools: list[Tool] = field(default_factory=list)
    problems: dict[str, Reason] = field(default_factory=dict)


class ToolHost:
    """Asks that process; one for the whole web process."""

    def __init__(self, files: Workspace) -> None:
        self._files = files
        # No proxy, and no environment: it is on this machine.
        self._http = httpx2.AsyncClient(trust_env=False, timeout=_LIST_SECONDS)

    @property
    def configured(self) -> bool:
        """Whether the owner has named tool servers."""
        return self._files.tool_servers.exists()

    async def list(self) -> Listing:
        """The tools of all servers; never raises."""
        if not self.configured:
            return Listing()
        try:
            reply = await self._http.get(f"{self._url()}/tools", headers=self._headers())
            reply.raise_for_status()
            return _listing(reply.json())
        except (httpx2.HTTPError, OSError, ValueError, LookupError, TypeError):
            return Listing(problems={"": NOT_RUNNING})

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Outcome:
        """Calls a tool; never raises, except when cancelled, which ends the call there too."""
        try:
            reply = await self._http.post(
                f"{self._url()}/call",
                json={"name": name, "arguments": arguments},
                headers=self._headers(),
                timeout=LONGEST_SECONDS + _MORE_SECONDS,
            )
            reply.raise_for_status()
            return _outcome(reply.json())
        except (httpx2.HTTPError, OSError, ValueError, LookupError, TypeError):
            return Outcome(sentence(NOT_RUNNING), failed=True)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    def _url(self) -> str:
        return str(json.loads(self._files.tool_host.read_text())["url"])

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._files.tools_key.read_text().strip()}"}


def _listing(raw: Mapping[str, Any]) -> Listing:
    found = Listing()
    if problem := read_reason(raw["problem"]):
        found.problems[""] = problem
    for server in raw["servers"]:
        if reason := read_reason(server["reason"]):
            found.problems[str(server["name"])] = reason
        for tool in server["tools"]:
            made = Tool(
                name=tool["name"],
                title=tool["title"],
                description=tool["description"],
                schema=tool["schema"],
                server=tool["server"],
                unasked=tool["unasked"],
            )
            found.tools.append(made)
    return found


def _outcome(raw: Mapping[str, Any]) -> Outcome:
    if reason := read_reason(raw["reason"]):
        # For the model, which is written to in English.
        return Outcome(sentence(reason), failed=True)
    outcome = Outcome(failed=bool(raw["failed"]))
    texts = []
    for part in raw["parts"]:
        if part["type"] == "text":
            texts.append(part["text"])
            continue
        try:
            outcome.pictures.append(base64.b64decode(part["data"], validate=True))
        except (binascii.Error, ValueError):
            texts.append("[a picture that can't be read]")
    outcome.text = "\n".join(texts)
    return outcome
