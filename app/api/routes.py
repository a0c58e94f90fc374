"""The API's routes. Every other path below `/v1` is a 404 in the same format."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from app.api.body_queue import BodyQueue
from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.forwarding import check_model, engine_of, pass_on
from app.api.keyring import Keyring
from app.api.pictures import PictureDesk
from app.api.remote_pictures import RemotePictures
from app.api.response import Outlet, Reply
from app.files.pictures import PictureLimits
from app.files.uploads import UploadStore
from app.upstream.state import EngineState
from engine.access.keys import Keys
from engine.config import Settings

CHAT_PATH = "/v1/chat/completions"
_MODELS_PATH = "/v1/models"
_ANY = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
_METHODS = {_MODELS_PATH: "GET", CHAT_PATH: "POST"}


def routes(settings: Settings, state: EngineState, store: UploadStore) -> APIRouter:
    """The routes; `app.api.errors.on_api_error` turns their exceptions into responses."""
    router = APIRouter()
    keyring = Keyring(Keys(settings.files.keys))
    queue = BodyQueue()
    desk = PictureDesk(store, RemotePictures(settings.picture_hosts))

    @router.get(_MODELS_PATH)
    async def models(request: Request) -> Response:
        key = keyring.admit(request)

        async def work(outlet: Outlet) -> None:
            await pass_on(engine_of(state), "GET", "models", None, outlet)

        return Reply(work, partial(keyring.holds, key))

    @router.post(CHAT_PATH)
    async def chat_completions(request: Request) -> Response:
        # Before the body is read, so that nothing of a stranger's is held.
        key = keyring.admit(request)
        place = AsyncExitStack()
        try:
            wanted = await queue.read(request, key, place)
        except BaseException as error:
            await place.aclose()
            if isinstance(error, ClientDisconnect):
                return Response()  # the client has disconnected
            raise
        work = partial(_answer, state, desk, wanted, place)
        return Reply(work, partial(keyring.holds, key), place)

    @router.api_route("/v1", methods=_ANY)
    @router.api_route("/v1/{path:path}", methods=_ANY)
    async def nothing_here(request: Request) -> Response:
        if method := _METHODS.get(request.url.path):
            raise ApiError(405, f"{request.url.path} takes {method}.", "method_not_allowed", allow=method)
        here = "GET /v1/models and POST /v1/chat/completions"
        raise ApiError(404, f"There is nothing here; this API has {here}.", "not_found")

    return router


async def _answer(
    state: EngineState, desk: PictureDesk, wanted: CompletionRequest, place: AsyncExitStack, outlet: Outlet
) -> None:
    client = engine_of(state)
    await check_model(client, wanted.model)
    limits = PictureLimits(client.model.picture_pixels, client.model.picture_side)
    await desk.check(wanted.pictures, limits, client.model.pictures_per_prompt)
    # The rest is small, except for texts longer than any model's context; the engine may take an hour to answer.
    await place.aclose()
    # Looked up again, because the engine may have changed while the pictures were prepared.
    await pass_on(engine_of(state), "POST", "chat/completions", wanted, outlet)
