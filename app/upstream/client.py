"""The connection to an engine: its models, token counts, and requests.

Address and key come from the launch plan, never from the environment, so that a user's own OpenAI key is not sent to
an engine it was not meant for. The stream is read as raw bytes: parsing each chunk into the client's models costs
several times as much as everything else.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx2

from app.files.pictures import PictureLimits
from app.lazily import openai
from app.talk.fitting import TOKEN_PIXELS, estimate
from app.telemetry.activity import activity
from app.upstream.backpressure import Reply
from app.upstream.progress import Queue
from app.upstream.warm_up import WarmUp
from engine.catalog import Model, UnknownModelError, assumed_model, find_model
from engine.plans.launch import LaunchPlan

CONNECT_SECONDS = 5.0
SILENCE_SECONDS = 600.0
"""An engine silent for this long is stuck: a known bug makes Kimi-VL hang on some pictures."""
PASSING_SILENCE_SECONDS = 3660.0
"""A program's request without streaming may take an hour until the first byte."""
METRICS_SECONDS = 1.5
"""The progress line waits for the metrics, and must be refreshed before public/pulse.js hides it."""
_TOKENIZE_AT_ONCE = 8
_COUNTS_REMEMBERED = 2000


@dataclass(frozen=True)
class Served:
    """A model that the engine serves."""

    name: str
    context: int | None
    """In tokens, if the engine reports it."""


class EngineClient:
    """Talks to the engine of one launch plan."""

    def __init__(self, plan: LaunchPlan, key: str) -> None:
        self.plan = plan
        self.model = model_of(plan)
        self.uses = 0
        """The number of turns and requests that use it now."""
        self.queue = Queue(plan.traits, self.metrics)
        """The position of our requests in the engine's queue."""
        self.warm_up = WarmUp(self._read)
        """What it reads ahead of a question."""
        timeout = httpx2.Timeout(SILENCE_SECONDS, connect=CONNECT_SECONDS)
        # A proxy in the environment is for outgoing traffic, not for an engine on this machine.
        self._http: httpx2.AsyncClient = openai.DefaultAioHttpClient(
            timeout=timeout,
            trust_env=plan.traits.remote,
            verify=_tls(),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
        )
        self._root = plan.base_url.rstrip("/").removesuffix("/v1")
        self._key = key or "none"
        self._client = openai.AsyncOpenAI(
            base_url=plan.base_url, api_key=self._key, timeout=timeout, max_retries=0, http_client=self._http
        )
        self._served: tuple[Served, ...] = ()
        self._counts: dict[str, int] = {}
        self._can_tokenize = plan.traits.tokenizes

    async def served(self, *, fresh: bool = False) -> tuple[Served, ...]:
        """The engine's models, the plan's own first; cached unless `fresh`.

        Raises:
            openai.APIError: it does not answer.
        """
        if fresh or not self._served:
            page = await self._client.with_options(timeout=CONNECT_SECONDS).models.list()
            found = [Served(model.id, _context(model)) for model in page.data]
            found.sort(key=lambda served: served.name != self.plan.served_name)
            self._served = tuple(found)
        return self._served

    def context(self, name: str) -> int:
        """The context of the served model `name` in tokens: from the engine, else the plan, else the catalogue."""
        said = next((served.context for served in self._served if served.name == name), None)
        return said or self.plan.context or self.model.context

    @property
    def picture_pixels(self) -> int:
        """To how many pixels a larger picture is scaled down."""
        return self.plan.picture_pixels or self.model.picture_pixels

    @property
    def picture_limits(self) -> PictureLimits:
        """To which size a larger picture is scaled down; all frames of a video fill at most half of the context."""
        together = self.context(self.plan.served_name) // 2 * TOKEN_PIXELS
        return PictureLimits(self.picture_pixels, self.model.picture_side, together)

    async def count(self, texts: Sequence[str], name: str) -> dict[str, int]:
        """The number of tokens of each text: from the engine if it can count them, estimated otherwise."""
        if self.plan.traits.unit == "character":
            return {text: len(text) for text in texts}
        unknown = [text for text in dict.fromkeys(texts) if text not in self._counts]
        if self._can_tokenize and unknown:
            gate = asyncio.Semaphore(_TOKENIZE_AT_ONCE)
            counts = await asyncio.gather(*(self._tokenize(text, name, gate) for text in unknown))
            if len(self._counts) > _COUNTS_REMEMBERED:
                self._counts.clear()
            self._counts.update({text: count for text, count in zip(unknown, counts, strict=True) if count is not None})
        return {text: self._counts.get(text) or estimate(text) for text in texts}

    async def _tokenize(self, text: str, name: str, gate: asyncio.Semaphore) -> int | None:
        body = {"model": name, "prompt": text, "add_special_tokens": False}
        async with gate:
            try:
                reply = await self._client.post(f"{self._root}/tokenize", body=body, cast_to=object)
            except openai.NotFoundError:
                self._can_tokenize = False
                return None
            except openai.APIError:
                return None
        count = reply.get("count") if isinstance(reply, dict) else None
        return count if isinstance(count, int) else None

    @property
    def idle(self) -> bool:
        """Whether nobody asks it anything."""
        return not self.uses and not activity.waiting

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keeps the connection open inside the block, even if another engine takes over meanwhile."""
        self.uses += 1
        try:
            yield
        finally:
            self.uses -= 1

    @asynccontextmanager
    async def ask(self, request: dict[str, Any], headers: Mapping[str, str]) -> AsyncIterator[Reply]:
        """Sends a chat completion request and yields the streaming response. Leaving the context closes the connection.

        `request` is the JSON for the engine.

        Raises:
            openai.APIError: the engine cannot be reached, or rejects the request.
        """
        create = self._client.chat.completions.with_streaming_response.create
        # extra_body is sent unchanged. The library would search regular arguments, message by message, for names to
        # convert: a quarter of a short turn's time, and more in a long chat.
        with self.in_use():
            await self.warm_up.give_way(request)
            async with create(
                model=request["model"], messages=(), extra_body=request, extra_headers=headers
            ) as response:
                yield Reply(response.http_response, response.iter_bytes())

    @asynccontextmanager
    async def passing(self, method: str, path: str, body: bytes | None) -> AsyncIterator[httpx2.Response]:
        """Forwards a program's request to `path` below the API's address, with the engine's own key.

        Yields the raw response with its body unread (`aiter_raw`). Leaving the context closes the connection.

        Raises:
            httpx2.HTTPError: the engine cannot be reached, breaks off, or is silent for `PASSING_SILENCE_SECONDS`.
        """
        with self.in_use():
            if body is not None:
                self.warm_up.cancel()
            response = await self._send(method, path, body, PASSING_SILENCE_SECONDS)
            try:
                yield response
            finally:
                await response.aclose()

    async def _read(self, body: bytes) -> None:
        """Has the engine read a prompt. It is not in use meanwhile: this gives way to everything.

        Raises:
            httpx2.HTTPError: the engine cannot be reached, or rejects the request.
        """
        response = await self._send("POST", "chat/completions", body, SILENCE_SECONDS)
        try:
            response.raise_for_status()
            async for _ in response.aiter_raw():
                pass
        finally:
            await response.aclose()

    async def _send(self, method: str, path: str, body: bytes | None, silence: float) -> httpx2.Response:
        request = self._http.build_request(
            method,
            f"{self.plan.base_url.rstrip('/')}/{path}",
            content=body,
            # A compressed response could not be forwarded byte for byte.
            headers={
                "Authorization": f"Bearer {self._key}",
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
            },
            timeout=httpx2.Timeout(silence, connect=CONNECT_SECONDS),
        )
        # No redirects: the key is for this address only.
        return await self._http.send(request, stream=True, follow_redirects=False)

    async def metrics(self) -> str:
        """The engine's metrics in Prometheus' format; empty if it does not answer within `METRICS_SECONDS`."""
        try:
            # The client's own timeout applies to each step; this one applies to all of them together.
            async with asyncio.timeout(METRICS_SECONDS):
                # llama-server asks for the key here, too.
                headers = {"Authorization": f"Bearer {self._key}"}
                reply = await self._http.get(f"{self._root}/metrics", headers=headers)
        except (httpx2.HTTPError, TimeoutError):
            return ""
        return reply.text if reply.status_code == 200 else ""

    async def close(self) -> None:
        """Closes its connections."""
        await self._client.close()


def model_of(plan: LaunchPlan) -> Model:
    """The catalogue entry of the plan's model, or an assumed one if the catalogue has none."""
    try:
        return find_model(plan.model)
    except UnknownModelError:
        return assumed_model(plan.model, plan.served_name, plan.context)


@cache
def _tls() -> ssl.SSLContext:
    """The TLS context, cached because loading the certificate authorities takes a good part of a second."""
    return ssl.create_default_context()


def _context(model: openai.types.Model) -> int | None:
    # vLLM and others add this to the fields of the OpenAI API.
    said = getattr(model, "max_model_len", None)
    return said if isinstance(said, int) and said > 0 else None
