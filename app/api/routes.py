"""The API's routes. Every other path below `/v1` is a 404 in the same format."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from app.api.body_queue import BodyQueue
from app.api.completion_request import CompletionRequest, Pictures, message_pictures
from app.api.errors import ApiError
from app.api.forwarding import choose_model, engine_of, pass_on, pass_on_model
from app.api.keyring import Keyring
from app.api.pictures import PictureDesk
from app.api.prompt_request import prompt_pictures
from app.api.remote_pictures import RemotePictures
from app.api.response import Outlet, Reply
from app.api.responses_request import input_pictures
from app.files.uploads import UploadStore
from app.upstream.client import EngineClient
from app.upstream.state import EngineState
from engine.access.keys import Keys
from engine.config import Settings

_ANSWERING: dict[str, Pictures] = {
    "/v1/chat/completions": message_pictures,
    "/v1/responses": input_pictures,
    "/v1/completions": prompt_pictures,
}
"""Where a model answers, and how the pictures of such a request are found."""
PICTURE_PATHS = ("/v1/chat/completions", "/v1/responses")
"""Whose requests may be as large as pictures are."""
_MODELS_PATH = "/v1/models"
_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_METHODS = {_MODELS_PATH: "GET"} | dict.fromkeys(_ANSWERING, "POST")


class _Answering:
    """What the routes of `_ANSWERING` do."""

    def __init__(self, state: EngineState, keyring: Keyring, desk: PictureDesk) -> None:
        self._state = state
        self._keyring = keyring
        self._desk = desk
        self._queue = BodyQueue()

    async def answer(self, request: Request) -> Response:
        """The reply to one request."""
        # Before the body is read: what a stranger sends is not worth holding.
        key, path = self._keyring.admit(request), request.url.path
        place = AsyncExitStack()
        try:
            wanted = await self._queue.read(request, key, place, _ANSWERING[path])
        except BaseException as error:
            await place.aclose()
            if isinstance(error, ClientDisconnect):
                return Response()  # nobody is there to have it
            raise
        work = partial(self._work, path.removeprefix("/v1/"), wanted, place)
        return Reply(work, partial(self._keyring.holds, key), place)

    async def _work(self, path: str, wanted: CompletionRequest, place: AsyncExitStack, outlet: Outlet) -> None:
        name = wanted.model
        while True:
            client = engine_of(self._state)
            with client.in_use():
                if name:
                    wanted.model = name
                await self._check(client, wanted)
                # Pictures may have taken a while: an engine that took over may have another name and other limits.
                if engine_of(self._state) is client:
                    # What is left is small, but for words that no model can hold; the answer may take an hour.
                    await place.aclose()
                    await pass_on(client, "POST", path, wanted, outlet)
                    return

    async def _check(self, client: EngineClient, wanted: CompletionRequest) -> None:
        await choose_model(client, wanted)
        limits = client.picture_limits
        most, patches = client.model.pictures_per_prompt, client.plan.picture_patches
        await self._desk.check(wanted.pictures, limits, most, patches)


def routes(settings: Settings, state: EngineState, store: UploadStore) -> APIRouter:
    """The routes; `app.api.errors.on_api_error` turns their exceptions into responses."""
    router = APIRouter()
    keyring = Keyring(Keys(settings.files.keys))
    answering = _Answering(state, keyring, PictureDesk(store, RemotePictures(settings.picture_hosts)))

    @router.get(_MODELS_PATH)
    async def models(request: Request) -> Response:
        key = keyring.admit(request)

        async def work(outlet: Outlet) -> None:
            await pass_on(engine_of(state), "GET", "models", None, outlet)

        return Reply(work, partial(keyring.holds, key))

    @router.get(_MODELS_PATH + "/{name:path}")
    async def model(request: Request, name: str) -> Response:
        key = keyring.admit(request)

        async def work(outlet: Outlet) -> None:
            await pass_on_model(engine_of(state), name, outlet)

        return Reply(work, partial(keyring.holds, key))

    for path in _ANSWERING:
        router.add_api_route(path, answering.answer, methods=["POST"])
    router.add_api_route("/v1", _nothing_here, methods=_ANY)
    router.add_api_route("/v1/{path:path}", _nothing_here, methods=_ANY)
    return router


async def _nothing_here(request: Request) -> Response:
    path = request.url.path
    if method := "GET" if path.startswith(_MODELS_PATH + "/") else _METHODS.get(path):
        raise ApiError(405, f"{path} takes {method}.", "method_not_allowed", allow=method)
    here = f"GET {_MODELS_PATH} and POST {', '.join(_ANSWERING)}"
    missing = "The models here make no embeddings" if path == "/v1/embeddings" else "There is nothing here"
    raise ApiError(404, f"{missing}; this API has {here}.", "not_found")
