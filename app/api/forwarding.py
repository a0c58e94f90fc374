"""Forwards a request to the engine, and streams the engine's response back."""

from __future__ import annotations

import asyncio

import httpx2

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.response import Outlet
from app.lazily import openai
from app.upstream.client import EngineClient
from app.upstream.state import EngineState
from engine.wording import report, sentence

_SOON_SECONDS = 5
_LATER_SECONDS = 60
_MOST_NAMES = 50
_KEPT_HEADERS = ("content-type", "content-encoding", "retry-after", "x-request-id")
"""`content-encoding` for an engine that compresses although asked not to: the bytes are forwarded unchanged."""


def engine_of(state: EngineState) -> EngineClient:
    """The connection to an engine that is ready.

    Raises:
        ApiError: it is not (503).
    """
    status = state.status()
    client = state.client()
    if status.state == "ready" and client:
        return client
    if status.state == "failed":
        message = (
            f"The engine has failed: {sentence(status.reason)} ./start.sh status shows more; "
            "Retry in the page restarts it."
        )
        raise ApiError(503, message, "engine_failed", retry_after=_LATER_SECONDS)
    said = report(status.phase, status.reason)
    doing = f" ({said})" if said else ""
    raise ApiError(503, f"The engine is not ready yet{doing}.", "engine_not_ready", retry_after=_SOON_SECONDS)


async def check_model(client: EngineClient, name: str | None) -> None:
    """Checks that the engine serves the model.

    Raises:
        ApiError: it does not (404); the message lists what it serves.
    """
    if name is None or name in await _names(client):
        return
    # Some servers load models while they run.
    names = await _names(client, fresh=True)
    if names and name not in names:
        listed = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
        message = f"The model {name[:100]!r} does not exist here; the models are: {listed}."
        raise ApiError(404, message, "model_not_found", "model")


async def _names(client: EngineClient, *, fresh: bool = False) -> list[str]:
    """The models' names; none if the server does not list them, which leaves the check to the server."""
    try:
        return [served.name for served in await client.served(fresh=fresh)]
    except openai.APIStatusError:
        return []
    except openai.APIConnectionError:
        raise _gone() from None


async def pass_on(
    client: EngineClient, method: str, path: str, request: CompletionRequest | None, outlet: Outlet
) -> None:
    """Sends the request to the engine's `path`; its status and body are forwarded unchanged.

    Raises:
        ApiError: the engine can't be reached, or breaks off.
    """
    body = await asyncio.to_thread(request.encode) if request else None
    try:
        async with client.passing(method, path, body) as reply:
            if reply.status_code == 401:
                # The engine rejects our own key, and its message may quote part of it.
                raise ApiError(502, "The engine rejects this page's key: check its settings.", "engine_key")
            headers = {name: reply.headers[name] for name in _KEPT_HEADERS if name in reply.headers}
            if headers.get("content-type", "").startswith("text/event-stream"):
                await outlet.begin(reply.status_code, headers)
                async for chunk in reply.aiter_raw():
                    await outlet.chunk(chunk)
                await outlet.end()
            else:
                answer = b"".join([chunk async for chunk in reply.aiter_raw()])
                await outlet.whole(reply.status_code, headers, answer)
    except httpx2.ReadTimeout:
        raise ApiError(504, "The engine has been silent for an hour.", "engine_silent") from None
    except httpx2.HTTPError:
        raise _gone() from None


def _gone() -> ApiError:
    message = "The connection to the engine broke off; if the engine has ended, it is being restarted."
    return ApiError(503, message, "engine_unreachable", retry_after=_SOON_SECONDS)
