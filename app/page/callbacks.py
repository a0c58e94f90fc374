"""Chainlit's callbacks: wiring only. `asking/` has what a question and a button do."""

from __future__ import annotations

import logging
from collections.abc import Callable

import chainlit as cl
from chainlit.config import config
from chainlit.session import WebsocketSession
from chainlit.types import ThreadDict

from app.background import spawn
from app.files.uploads import UploadStore
from app.i18n import language_of
from app.lazily import openai
from app.page.answer.buttons import BUTTONS
from app.page.asking.attachments import Attachments
from app.page.asking.presses import Presses
from app.page.asking.titles import Titles
from app.page.asking.tool_use import ToolUse
from app.page.asking.turns import Turns
from app.page.asking.warm_ups import WarmUps
from app.page.chat import Chat
from app.page.incoming import shown_turns
from app.page.incoming.arrivals import give_up, replace_handlers
from app.page.left_chats import GRACE_SECONDS, LeftChats
from app.page.live_chats import chat_of
from app.page.settings.own import OwnSettings
from app.page.settings.panel import send_panel, show_mode
from app.page.settings.profiles import profile, starters
from app.page.threads import resuming
from app.page.threads.saving import Keeper
from app.page.workarounds import overrides
from app.presets import DEFAULT, Presets
from app.telemetry import spans
from app.tools.host import ToolHost
from app.upstream.client import model_of
from app.upstream.offer import offer_of, planned_offer
from app.upstream.state import EngineState

_log = logging.getLogger("app.page")
IsAdmin = Callable[[WebsocketSession], bool]


def register(
    state: EngineState,
    store: UploadStore,
    keeper: Keeper,
    presets: Presets,
    own: OwnSettings,
    *,
    titles: str,
    warm_up: bool,
    host: ToolHost,
    is_admin: IsAdmin,
) -> None:
    """Registers Chainlit's callbacks with this engine, these uploads, this history and these presets.

    `titles` is KIMI_TITLES, `warm_up` KIMI_WARM_UP.
    """
    callbacks = Callbacks(
        state, store, keeper, presets, own, titles=titles, warm_up=warm_up, host=host, is_admin=is_admin
    )
    cl.on_chat_start(callbacks.start)
    cl.on_chat_resume(callbacks.resume)
    cl.on_message(callbacks.message)
    cl.on_chat_end(callbacks.end)
    cl.set_starters(callbacks.starters)
    cl.set_chat_profiles(callbacks.profiles)
    # No preset overrides Chainlit's configuration. Without this, Chainlit looks for overrides and fails.
    WebsocketSession.config = config
    for name in BUTTONS:
        cl.action_callback(name)(callbacks.pressed)
    overrides.apply()
    replace_handlers(keeper, callbacks.returned, callbacks.warm_ups)
    shown_turns.register(keeper, callbacks.settings_changed)


class Callbacks:
    """Chainlit's callbacks; each is called in the context of its session."""

    def __init__(
        self,
        state: EngineState,
        store: UploadStore,
        keeper: Keeper,
        presets: Presets,
        own: OwnSettings,
        *,
        titles: str = "",
        warm_up: bool = False,
        host: ToolHost,
        is_admin: IsAdmin = lambda session: False,
    ) -> None:
        self._state = state
        self._keeper = keeper
        self._presets = presets
        self._own = own
        self._is_admin = is_admin
        self.left = LeftChats(keeper.history)
        self.titles = Titles(state, keeper, titles)
        self._tools = ToolUse(state, host, store)
        attachments = Attachments(state, store, presets)
        self.warm_ups = WarmUps(state, attachments, keeper, on=warm_up)
        self.turns = Turns(state, attachments, keeper, presets, self._tools)
        self.presses = Presses(state, keeper, self.turns)

    async def starters(self, user: cl.User | None, language: str | None) -> list[cl.Starter]:
        """The starters of an empty chat whose preset has none."""
        return starters(self._presets.find(DEFAULT), language_of(language))

    async def profiles(self, user: cl.User | None, language: str | None) -> list[cl.ChatProfile]:
        """The presets, in the user's language."""
        last = await self._own.last_preset(user)
        plan = self._state.plan()
        reads = plan is not None and not model_of(plan).sampling
        return [
            profile(name, preset, language_of(language), chosen=name == last, reads=reads)
            for name, preset in self._presets.all().items()
        ]

    async def start(self) -> None:
        """Sets up a new chat."""
        session = _session()
        chat = self._chat_of(session)
        session.chat_settings = await self._own.start(session)
        # In the background, since the page shows a running turn until this returns.
        spawn(self._offer_settings(chat))

    async def resume(self, thread: ThreadDict) -> None:
        """Opens a thread from the history: fills `thread`, which Chainlit then shows."""
        session = _session()
        chat = self._chat_of(session)
        await resuming.resume(self._keeper, session, chat, thread, config.ui.name)
        self.warm_ups.opened(session)
        spawn(self._offer_settings(chat))

    async def returned(self, session: WebsocketSession) -> None:
        """Sends a browser that has reconnected what it missed."""
        chat = self._chat_of(session)
        await self.left.opened(session)
        if session.restored and not chat.conversation.turns:
            # A page reconnects once it learns its preset; the panel may have gone to the first connection.
            spawn(self._offer_settings(chat))
        if chat.running:
            await cl.context.emitter.task_start()
            await chat.running.resend()

    async def end(self) -> None:
        """Stops the answer of a browser that is gone, after the grace period; one that shows another chat goes on."""
        session = _session()
        self.warm_ups.left(session)
        if not session.to_clear:
            spawn(give_up(session, session.socket_id, GRACE_SECONDS))
        elif chat_of(session).tasks:
            self.left.take(session, chat_of(session))

    async def message(self, message: cl.Message) -> None:
        """Answers a question, or an edited one."""
        session = _session()
        chat = chat_of(session)
        with spans.turn(session.thread_id, "ask"):
            await self.turns.ask(session, chat, message)
        # In the background: the answer is complete, whatever becomes of the title.
        if (turn := chat.asked(message.id)) and self.titles.wants(chat, turn):
            spawn(self.titles.give(session, chat, turn))

    async def pressed(self, action: cl.Action) -> None:
        """Handles a press of a button below an answer."""
        session = _session()
        self.warm_ups.asked(session)
        await self.presses.pressed(session, chat_of(session), action)

    async def settings_changed(self) -> None:
        """Applies the confirmed panel, whose values are in the session."""
        client = self._state.client()
        if client is None:
            return
        session = _session()
        try:
            offer, answers = await offer_of(client), True
        except openai.APIError as error:
            _log.info("own settings are not saved, because the engine does not answer: %s", type(error).__name__)
            offer, answers = planned_offer(client), False
        await show_mode(offer, chat_of(session), session)
        if answers:
            await self._own.remember(session, offer)

    def _chat_of(self, session: WebsocketSession) -> Chat:
        """The chat of a session that has connected, with what its user may know by now."""
        chat = chat_of(session)
        chat.admin = self._is_admin(session)
        return chat

    async def _offer_settings(self, chat: Chat) -> None:
        """Sends the panel once the plan is known, and again if the engine turns out to serve other models."""
        client = await self._state.launched()
        planned = planned_offer(client)
        await self._tools.offer(chat)
        await send_panel(planned, chat, _session())
        try:
            client = await self._state.ready()
            offer = await offer_of(client)
        except Exception as error:
            _log.info("no list of models yet: %s", type(error).__name__)
            return
        if offer != planned:
            await send_panel(offer, chat, _session())


def _session() -> WebsocketSession:
    session = cl.context.session
    assert isinstance(session, WebsocketSession)
    return session
