"""The settings panel: one widget for each field of `settings.ChatSettings`, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainlit.chat_settings import ChatSettings as Panel
from chainlit.config import config
from chainlit.input_widget import InputWidget, NumberInput, Select, Slider, Switch, Tags, TextInput
from chainlit.session import WebsocketSession

from app.i18n import Language, text
from app.page.chat import Chat
from app.talk.settings import MAX_TEMPERATURE, Offer, follow_thinking, parse


def widgets(offer: Offer, language: Language, agent_name: str, chosen: Mapping[str, Any]) -> list[InputWidget]:
    """The panel's widgets, set as in `chosen`, and where that says nothing, to the model's defaults.

    `agent_name` is the page's own name, shown where none is set.
    """
    default = parse(chosen, offer)
    stop = chosen.get("stop")

    def label(key: str) -> str:
        return text(f"settings_{key}", language)

    def hint(key: str) -> str:
        return text(f"settings_{key}_hint", language)

    def sampling_hint(key: str) -> str:
        return hint(key) if offer.model.sampling else text("settings_no_sampling", language)

    model = Select(
        id="model",
        label=label("model"),
        items={offer.titles.get(name, name): name for name in offer.served},
        initial_value=default.model,
        description=hint("model"),
    )
    thinking = Switch(id="thinking", label=label("thinking"), initial=default.thinking, description=hint("thinking"))
    return [
        model,
        *([thinking] if offer.instant(default.model) else []),
        Slider(
            id="temperature",
            label=label("temperature"),
            initial=default.temperature,
            min=0,
            max=MAX_TEMPERATURE,
            step=0.05,
            description=sampling_hint("temperature"),
        ),
        Slider(
            id="top_p",
            label=label("top_p"),
            initial=default.top_p,
            min=0.05,
            max=1,
            step=0.05,
            description=sampling_hint("top_p"),
        ),
        NumberInput(
            id="max_tokens",
            label=label("max_tokens"),
            initial=default.max_tokens,
            description=text("settings_max_tokens_hint", language, context=f"{offer.context:,}"),
        ),
        Switch(id="streaming", label=label("streaming"), initial=default.streaming, description=hint("streaming")),
        Switch(
            id="show_thinking",
            label=label("show_thinking"),
            initial=default.show_thinking,
            description=hint("show_thinking"),
        ),
        Tags(
            id="stop",
            label=label("stop"),
            # As they were typed, escapes and all.
            initial=[item for item in stop if isinstance(item, str)] if isinstance(stop, list) else [],
            description=hint("stop"),
        ),
        TextInput(
            id="agent_name",
            label=label("agent_name"),
            initial=default.agent_name,
            placeholder=agent_name,
            description=hint("agent_name"),
        ),
        TextInput(
            id="system_prompt",
            label=label("system_prompt"),
            initial=default.system_prompt,
            multiline=True,
            description=hint("system_prompt"),
        ),
    ]


async def send_panel(offer: Offer, chat: Chat, session: WebsocketSession) -> None:
    """Shows the panel as the session's settings are."""
    panel = Panel(widgets(offer, chat.language, config.ui.name, session.chat_settings))
    # A copy: Chainlit changes its own in place when the panel is confirmed.
    chat.panel = dict(await panel.send())


async def show_mode(offer: Offer, chat: Chat, session: WebsocketSession) -> None:
    """Where thinking was switched in the panel, shows the temperature that goes with it."""
    followed = follow_thinking(session.chat_settings, chat.panel, offer)
    chat.panel = dict(session.chat_settings)
    if followed != session.chat_settings:
        session.chat_settings = followed
        await send_panel(offer, chat, session)
