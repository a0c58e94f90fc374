"""Forwards a request to the engine, and streams the engine's response back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import httpx2
import orjson

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.response import Outlet
from app.lazily import openai
from app.upstream.client import EngineClient
from app.upstream.state import EngineState
from engine.catalog import Model, UnknownModelError, find_model
from engine.wording import report, sentence

_SOON_SECONDS = 5
_LATER_SECONDS = 60
_MOST_NAMES = 50
_NO_ROUTE = ("not found", "file not found")
"""How vLLM, SGLang and the reader, and llama.cpp, say that they have no such address."""
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


async def choose_model(client: EngineClient, request: CompletionRequest) -> None:
    """Checks that the engine serves the request's model, and replaces its name with the engine's.

    A program may use any name of the model: its title, its repository, or another one in the catalogue.

    Raises:
        ApiError: the engine does not serve it (404); the message lists what it serves.
    """
    name = request.model
    if name is None:
        return
    # Some servers load models while they run.
    for fresh in (False, True):
        names = await _names(client, fresh=fresh)
        if found := _among(names, name):
            request.model = found
            return
    if names:
        raise _no_model(name, names)


def _no_model(name: str, names: Sequence[str]) -> ApiError:
    listed = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    message = f"The model {name[:100]!r} does not exist here; the models are: {listed or 'none'}."
    return ApiError(404, message, "model_not_found", "model")


def _among(names: list[str], name: str) -> str | None:
    """The one of `names` that equals `name`, or else names the same model of the catalogue."""
    if name in names:
        return name
    wanted = _model_called(name)
    return next((served for served in names if _model_called(served) == wanted), None) if wanted else None


def _model_called(name: str) -> Model | None:
    try:
        return find_model(name)
    except UnknownModelError:
        return None


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
                if reply.status_code == 404 and path != "chat/completions" and _names_no_route(answer):
                    message = f"The engine here has no /v1/{path}: use POST /v1/chat/completions."
                    raise ApiError(404, message, "not_found")
                await outlet.whole(reply.status_code, headers, answer)
    except httpx2.ReadTimeout:
        raise ApiError(504, "The engine has been silent for an hour.", "engine_silent") from None
    except httpx2.HTTPError:
        raise _gone() from None


async def pass_on_model(client: EngineClient, name: str, outlet: Outlet) -> None:
    """Sends the entry of one model in the engine's list, which not every engine gives by itself.

    Raises:
        ApiError: there is no such model (404), or the engine can't be reached or asked.
    """
    try:
        async with client.passing("GET", "models", None) as reply:
            listed = orjson.loads(await reply.aread()) if reply.status_code == 200 else None
    except httpx2.HTTPError:
        raise _gone() from None
    except orjson.JSONDecodeError:
        listed = None
    if not isinstance(listed, dict) or not isinstance(listed.get("data"), list):
        raise ApiError(502, "The engine gives no list of its models.", "no_model_list")
    models = {entry["id"]: entry for entry in listed["data"] if isinstance(entry, dict) and "id" in entry}
    found = _among(list(models), name)
    if not found:
        raise _no_model(name, list(models))
    await outlet.whole(200, {"content-type": "application/json"}, orjson.dumps(models[found]))


def _names_no_route(answer: bytes) -> bool:
    """Whether a 404 is about the address; an engine may also miss something that the request names."""
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return True
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    return not isinstance(message, str) or message.strip(" .").lower() in _NO_ROUTE


def _gone() -> ApiError:
    message = "The connection to the engine broke off; if the engine has ended, it is being restarted."
    return ApiError(503, message, "engine_unreachable", retry_after=_SOON_SECONDS)
