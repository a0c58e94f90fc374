"""The page's server: our routes, the guards around everything, and Chainlit mounted below."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import chainlit as cl
from chainlit.auth import ensure_jwt_secret
from chainlit.config import APP_ROOT, FILES_DIRECTORY
from chainlit.server import app as chainlit_app
from chainlit.server import sio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from pydantic import UUID4, BaseModel

from app.access.account import account
from app.access.chosen_language import ChosenLanguage
from app.access.form_post import form_post, posted_callbacks
from app.access.limits.connections import GuardedProtocol
from app.access.limits.guards import AllowedPlaces, BodyLimit, HostAndOrigin, SecureHeaders, SignIns
from app.access.limits.malformed import HonestErrors, SoundRequests, on_invalid
from app.access.limits.recognised import Recognised
from app.access.limits.upload_guard import BodyPace, UploadGuard
from app.access.own_password import own_password
from app.access.proxies import Forwarded
from app.access.rules import Rules
from app.access.sign_in import LocalSignIn, set_up_login
from app.access.signed_in import SignedIn, Token
from app.access.still_allowed import StillWelcome, Welcome
from app.api.cross_origin import CrossOrigin
from app.api.errors import ApiError, on_api_error
from app.api.pictures import MAX_REQUEST_BYTES
from app.api.routes import PICTURE_PATHS
from app.api.routes import routes as api_routes
from app.errors import Refusal
from app.files.uploads import MAX_BYTES, UploadStore
from app.frontend import PageFiles, content_security_policy
from app.history.database import Database, database_url
from app.history.opening import until_open
from app.history.retention import keep_sweeping, sweep_session_files
from app.history.store import History
from app.history.transfer.reading import is_kept
from app.history.transfer.routes import export_routes
from app.history.users import Users
from app.i18n import language_of, text
from app.page import callbacks
from app.page.in_step import InStep
from app.page.incoming.thread_ids import guard_thread_ids
from app.page.live_chats import chat_of, open_chats, stop_all
from app.page.settings.own import OwnSettings
from app.page.threads.data_layer import DataLayer
from app.page.threads.routes import routes
from app.page.threads.saving import Keeper
from app.presets import Presets
from app.sockets.sessions import guard
from app.status.overview import coming_shown, shown
from app.status.routes import watching
from app.telemetry import logs, metrics
from app.telemetry.otel import telemetry
from app.tools.host import ToolHost
from app.upstream.state import EngineState, NoSupervisorError
from engine.access.ended_logins import EndedLogins
from engine.access.passwords import People
from engine.config import Settings
from engine.supervise.heartbeat import keep_beating
from engine.wording import sentence

_FORM_BYTES = 64 * 1024
"""The most bytes that a form adds to an uploaded file."""
_STOP_SECONDS = 3
"""The time to save answers in progress when the web process ends."""
_OTHER_BODY_BYTES = 2 * 1024 * 1024
_CLOSED = ("docs", "redoc", "openapi.json", "mcp", "copilot", "project/share", "project/thread/share")
"""Paths of Chainlit's, and others, that get a 404."""


def create_app(settings: Settings) -> FastAPI:
    """The whole page as an ASGI application; Chainlit's app root must be set before this module is imported."""
    state = EngineState(settings)
    store = UploadStore(settings.files.uploads, settings.files.missing_fonts)
    database = Database(database_url(settings.database_url.get_secret_value(), settings.files.chats))
    history, users = History(database, settings.files.uploads), Users(database)
    people, ended = People(settings.files.people), EndedLogins(settings.files.logins)
    rules = Rules(settings, people, ended)
    welcome = Welcome(rules, ended, settings.auth_header, lambda session: chat_of(session).give_up())
    welcome.guard_chainlit()
    keeper = Keeper(history, users)
    lifespan = _lifespan(settings, state, store, database, welcome, in_step=InStep(keeper))
    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    _add_health(app, state)
    _add_engine(app, state, welcome)
    _replace_chainlits(app)
    app.include_router(account(welcome, rules))
    app.include_router(own_password(people, rules))
    if posted_callbacks():
        app.include_router(form_post())
    app.include_router(watching(settings, state, welcome))
    metrics.set_up(telemetry.meter(), state.status, open_chats)
    app.include_router(routes(history, users))
    app.include_router(export_routes(history, users, store))
    app.include_router(api_routes(settings, state, store))
    app.add_exception_handler(ApiError, on_api_error)
    for served in (app, chainlit_app):
        served.add_exception_handler(RequestValidationError, on_invalid)
    data_layer = DataLayer(history, users)
    cl.data_layer(lambda: data_layer)
    set_up_login(settings, people, rules)
    presets = Presets(settings.files.presets)
    own = OwnSettings(users, presets)
    callbacks.register(
        state,
        store,
        keeper,
        presets,
        own,
        titles=settings.titles,
        warm_up=settings.warm_up,
        host=ToolHost(settings.files),
        is_admin=welcome.is_admin,
    )
    guard_thread_ids(history, users)
    # The outermost of the socket's guards, so that nothing is looked up for a browser that is rejected.
    guard(sio)
    ensure_jwt_secret()
    page_root = settings.files.page_root
    app.mount("/assets", PageFiles(directory=page_root / "frontend" / "assets"))
    app.mount("/public", PageFiles(directory=page_root / "public"))
    for error in (ValueError, AssertionError):
        chainlit_app.add_exception_handler(error, _refuse_empty_file)
    chainlit_app.add_middleware(HonestErrors, trusting=True)
    app.mount("/", chainlit_app)
    _add_guards(app, settings, rules, welcome)
    return app


def _add_guards(app: FastAPI, settings: Settings, rules: Rules, welcome: Welcome) -> None:
    """Adds the middleware that every request passes; the last one added is the outermost."""
    places = AllowedPlaces(
        loopback=settings.loopback, port=settings.port, origins=settings.origins, api_origins=settings.api_origins
    )
    app.add_middleware(HonestErrors)
    app.add_middleware(SoundRequests)
    if settings.sign_in == "local":
        app.add_middleware(LocalSignIn, rules=rules)
    app.add_middleware(Recognised)
    app.add_middleware(UploadGuard, folder=settings.files.uploads)
    app.add_middleware(StillWelcome, welcome=welcome)
    app.add_middleware(SignIns)
    app.add_middleware(BodyPace)
    api_paths = dict.fromkeys(PICTURE_PATHS, MAX_REQUEST_BYTES)
    app.add_middleware(BodyLimit, upload=MAX_BYTES + _FORM_BYTES, other=_OTHER_BODY_BYTES, paths=api_paths)
    app.add_middleware(CrossOrigin, origins=places.api_origins)
    app.add_middleware(
        HostAndOrigin,
        places=places,
        from_anywhere=posted_callbacks(),
        admins_only=settings.sign_in == "local",
    )
    app.add_middleware(SecureHeaders, policy=content_security_policy(settings.files.page_root))
    app.add_middleware(ChosenLanguage)
    app.add_middleware(Forwarded, proxies=settings.proxies, places=places, auth_header=settings.auth_header)


class _SessionCookie(BaseModel):
    session_id: UUID4


async def _refuse_empty_file(request: Request, error: Exception) -> JSONResponse:
    """Rejects an empty file, for which Chainlit raises a ValueError, or one without a name or type (an assertion)."""
    if request.url.path != "/project/file":
        raise error
    language = language_of(request.headers.get("accept-language"))
    key = "upload_empty" if isinstance(error, ValueError) else "upload_nameless"
    return JSONResponse({"detail": text(key, language)}, 400)


def _lifespan(
    settings: Settings,
    state: EngineState,
    store: UploadStore,
    database: Database,
    welcome: Welcome,
    *,
    in_step: InStep,
) -> Callable[[FastAPI], Any]:
    async def kept(thread_id: str) -> bool:
        return await is_kept(database, thread_id)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await until_open(database)
        sweep_session_files(FILES_DIRECTORY)
        keepers = [
            asyncio.create_task(keep_sweeping(settings.files, settings.upload_days, kept)),
            asyncio.create_task(in_step.keep()),
            asyncio.create_task(welcome.keep_out()),
            asyncio.create_task(GuardedProtocol.crowd.keep_cutting_off()),
            asyncio.create_task(state.warm_up()),
            asyncio.create_task(keep_beating()),
        ]
        logs.event("page started", engine=settings.engine, address=settings.page_url)
        yield
        await stop_all(_STOP_SECONDS)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await state.close()
        await database.close()
        store.close()
        telemetry.shut_down()

    return lifespan


def _add_health(app: FastAPI, state: EngineState) -> None:
    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> JSONResponse:
        # Public, so only the state: the reason may name folders.
        engine = state.status().state
        return JSONResponse({"status": engine}, 200 if engine == "ready" else 503)


def _add_engine(app: FastAPI, state: EngineState, welcome: Welcome) -> None:
    @app.get("/api/status")
    async def status(request: Request, user: SignedIn, token: Token) -> JSONResponse:
        language = language_of(request.headers.get("accept-language"))
        # Whether gigabytes are fetched is for those to say who look after the product.
        may = token is not None and welcome.watches(token)
        engine = shown(state.status(), language, admin=may)
        plan = state.plan()
        engine["note"] = plan.note if plan else ""
        # The reason is shown only if another engine was tried and failed.
        engine["why"] = sentence(plan.failure, language) if plan and may else ""
        engine["sees"] = state.sees()
        engine["reads"] = plan is not None and plan.traits.reads_only
        coming = coming_shown(state.coming(), language, may=may)
        # Several people may use one browser: each dismisses the banner for themselves.
        return JSONResponse({"engine": engine, "coming": coming, "person": user.identifier})

    @app.post("/api/retry")
    async def retry(user: SignedIn) -> JSONResponse:
        try:
            state.retry()
        except NoSupervisorError:
            raise Refusal(503, "no_supervisor") from None
        return JSONResponse({"status": "asked"}, 202)


def _replace_chainlits(app: FastAPI) -> None:
    """Answers in Chainlit's place where its own routes do too much, or fail."""

    @app.post("/set-session-cookie")
    async def set_session_cookie(wanted: _SessionCookie, request: Request) -> JSONResponse:
        # Chainlit's own route accepts any value, and fails with a traceback if there is none.
        here = bool(request.client and request.client.host in {"127.0.0.1", "::1"})
        reply = JSONResponse({"message": "Session cookie set"})
        reply.set_cookie(
            "X-Chainlit-Session-id",
            str(wanted.session_id),
            path="/",
            httponly=True,
            secure=not here,
            samesite="lax" if here else "none",
        )
        return reply

    @app.get("/avatars/{name:path}")
    async def avatar(name: str) -> FileResponse:
        # Chainlit has no avatar for an unknown name, and rejects a name in Chinese.
        return FileResponse(Path(APP_ROOT) / "public" / "favicon.svg", media_type="image/svg+xml")

    async def closed(path: str = "") -> JSONResponse:
        return JSONResponse({"error": {"message": "There is nothing here.", "type": "NotFoundError", "code": 404}}, 404)

    handler: Callable[..., Awaitable[JSONResponse]] = closed
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    for prefix in _CLOSED:
        app.add_api_route(f"/{prefix}", handler, methods=methods)
        app.add_api_route(f"/{prefix}/{{path:path}}", handler, methods=methods)
