"""What the buttons below an answer do. The buttons themselves are in `app/page/answer/buttons.py`."""

from __future__ import annotations

from contextlib import nullcontext

import chainlit as cl
from chainlit.config import config
from chainlit.session import WebsocketSession

from app.background import spawn
from app.i18n import text
from app.page.answer.buttons import BUTTONS, Button
from app.page.asking import comparing, places
from app.page.asking.turns import Turns
from app.page.chat import Chat
from app.page.live_chats import MOST_IN_BACKGROUND, in_background, owner_of
from app.page.threads import resuming
from app.page.threads.saving import Keeper
from app.talk.conversation import Answer, Turn
from app.telemetry import spans
from app.turn.faults import explain
from app.upstream.state import EngineState, NoSupervisorError


class Presses:
    """Handles button presses in all chats."""

    def __init__(self, state: EngineState, keeper: Keeper, turns: Turns) -> None:
        self._state = state
        self._keeper = keeper
        self._turns = turns

    async def pressed(self, session: WebsocketSession, chat: Chat, action: cl.Action) -> None:
        """Handles a press. This runs inside a request, so the work goes into a task that Stop can cancel."""
        turn = chat.find(str(action.payload.get("turn")))
        if turn is None:
            return
        button = BUTTONS[action.name]
        if button.name == "download" and turn.answer:
            # Handled by public/chats.js.
            url = f"/api/answers/{turn.answer.id}/answer.md"
            await cl.context.emitter.send_window_message({"type": "kimi-download", "url": url})
        elif button.name == "compare":
            await comparing.show(chat, turn.id)
        elif button.name == "show_places" and turn.answer:
            await places.show(session.thread_id, chat, turn, turn.answer)
        elif button.while_running:
            chat.wish(turn, button.name, str(action.payload.get("call", "")))
        elif chat.tasks:
            await cl.context.emitter.send_toast(text("busy", chat.language))
        elif button.asks_engine and len(in_background(owner_of(session))) >= MOST_IN_BACKGROUND:
            await cl.context.emitter.send_toast(text("too_many_answers", chat.language, most=MOST_IN_BACKGROUND))
        else:
            chat.begin(spawn(self.act(session, chat, turn, button)))

    async def act(self, session: WebsocketSession, chat: Chat, turn: Turn, button: Button) -> None:
        """Carries out a button's action once the chat is free; until it is done, the page shows a running turn."""
        async with chat.one_turn():
            await cl.context.emitter.task_start()
            try:
                with spans.turn(session.thread_id, button.name) if button.asks_engine else nullcontext():
                    await self._act(session, chat, turn, button)
            finally:
                await cl.context.emitter.task_end()

    async def _act(self, session: WebsocketSession, chat: Chat, turn: Turn, button: Button) -> None:
        match button.name:
            case "previous" | "next" if turn.answers:
                await self._choose(session, chat, turn, -1 if button.name == "previous" else 1)
            case "earlier_question" | "later_question":
                await self._switch(session, chat, turn, -1 if button.name == "earlier_question" else 1)
            case "continue" if turn.answer:
                await self._turns.answer(session, chat, turn, turn.answer)
            case "regenerate" | "ask_vision":
                await self._again(session, chat, turn)
            case "retry" if await self._engine_restarted(chat, turn):
                await self._again(session, chat, turn)

    async def _choose(self, session: WebsocketSession, chat: Chat, turn: Turn, step: int) -> None:
        """Shows another answer to the question: the previous one if `step` is -1, the next if 1."""
        turn.chosen = min(max(turn.chosen + step, 0), len(turn.answers) - 1)
        view = chat.views[turn.id]
        await view.begin(turn.answers[turn.chosen])
        await view.finish(turn)
        await self._keeper.save(session, chat, turn)

    async def _switch(self, session: WebsocketSession, chat: Chat, turn: Turn, step: int) -> None:
        """Shows the branch of the previous (`step` -1) or next (1) version of the turn's question."""
        versions = chat.conversation.versions(turn)
        at = next(n for n, version in enumerate(versions) if version is turn) + step
        other = versions[min(max(at, 0), len(versions) - 1)]
        chat.conversation.switch(other.id)
        for left in chat.conversation.aside:
            chat.views.pop(left.id, None)
        await resuming.show_branch(session, chat, other, config.ui.name)
        await self._keeper.save(session, chat, chat.conversation.turns[-1])

    async def _again(self, session: WebsocketSession, chat: Chat, turn: Turn) -> None:
        """Asks the question again; drops its empty answers."""
        for answer in [answer for answer in turn.answers if answer.empty]:
            chat.take_out(turn, answer)
        await self._turns.answer(session, chat, turn, Answer())

    async def _engine_restarted(self, chat: Chat, turn: Turn) -> bool:
        """Restarts the engine if it has failed; False, with an error on the page, where that is impossible."""
        try:
            await self._state.restart_if_failed()
        except NoSupervisorError as error:
            await chat.views[turn.id].finish(turn, explain(error))
            return False
        return True
