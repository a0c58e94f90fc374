"""The settings panel: one widget for each field of `settings.ChatSettings`, in the user's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chainlit.chat_settings import ChatSettings as Panel
from chainlit.config import config
from chainlit.input_widget import InputWidget, NumberInput, Select, Slider, Switch, Tags, TextInput
from chainlit.session import WebsocketSession

from app.i18n import Language, text
from app.page.chat import Chat
from app.talk.settings import MAX_TEMPERATURE, ChatSettings, Offer, follow_thinking, parse
from app.tools.builtin import BUILTIN
from app.tools.host import Listing

_MOST_NAMED = 30
"""How many tools the panel names."""


@dataclass(frozen=True)
class _Words:
    """The panel's texts about each setting."""

    offer: Offer
    language: Language

    def about(self, key: str) -> dict[str, Any]:
        """A widget's arguments: the label and the description of a setting."""
        return {"label": self._text(key), "description": self._text(f"{key}_hint")}

    def _text(self, key: str) -> str:
        # Some sentences name the length of the model's context.
        return text(f"settings_{key}", self.language, context=f"{self.offer.context:,}")


def widgets(
    offer: Offer,
    language: Language,
    agent_name: str,
    chosen: Mapping[str, Any],
    listing: Listing | None = None,
    *,
    admin: bool = False,
) -> list[InputWidget]:
    """The panel's widgets, with the values in `chosen`, or else the model's defaults.

    `agent_name` is the page's own name, shown while the user has set none. Settings without effect on the reader,
    which is deterministic, follows no instructions and does not think, are not shown for it.
    """
    default, words = parse(chosen, offer), _Words(offer, language)
    prompt = TextInput(
        id="system_prompt", initial=default.system_prompt, multiline=True, **words.about("system_prompt")
    )
    shown = Switch(id="show_thinking", initial=default.show_thinking, **words.about("show_thinking"))
    return [
        *_of_the_model(default, words),
        Switch(id="streaming", initial=default.streaming, **words.about("streaming")),
        *([shown] if offer.model.sampling else []),
        # As typed, with their escapes.
        Tags(id="stop", initial=_typed(chosen.get("stop")), **words.about("stop")),
        TextInput(id="agent_name", initial=default.agent_name, placeholder=agent_name, **words.about("agent_name")),
        *([prompt] if offer.model.sampling else []),
        *_tools(default, offer, language, listing or Listing(), admin=admin),
    ]


def _tools(
    default: ChatSettings, offer: Offer, language: Language, listing: Listing, *, admin: bool
) -> list[InputWidget]:
    """The switch for tools, which names them; a model that can't call any is said to where there would be some."""
    label = text("settings_tools", language)
    if not offer.tools:
        if not listing.tools and not listing.problems:
            return []
        unable = text("settings_tools_unable", language, admin)
        return [Switch(id="tools", initial=False, label=label, description=unable, disabled=True)]
    names = [tool.name for tool in [*BUILTIN, *listing.tools]]
    more = len(names) - _MOST_NAMED
    named = ", ".join(names[:_MOST_NAMED]) + (f", … (+{more})" if more > 0 else "")
    hint = text("settings_tools_hint", language, tools=named)
    return [Switch(id="tools", initial=default.tools, label=label, description=hint)]


def _of_the_model(default: ChatSettings, words: _Words) -> list[InputWidget]:
    offer = words.offer
    names = {offer.titles.get(name, name): name for name in offer.served}
    longest = "max_tokens" if offer.model.sampling else "max_characters"
    thinking = Switch(id="thinking", initial=default.thinking, **words.about("thinking"))
    sampling = [
        Slider(
            id="temperature",
            initial=default.temperature,
            min=0,
            max=MAX_TEMPERATURE,
            step=0.05,
            **words.about("temperature"),
        ),
        Slider(id="top_p", initial=default.top_p, min=0.05, max=1, step=0.05, **words.about("top_p")),
    ]
    return [
        Select(id="model", items=names, initial_value=default.model, **words.about("model")),
        *([thinking] if offer.instant(default.model) else []),
        *(sampling if offer.model.sampling else []),
        NumberInput(id="max_tokens", initial=default.max_tokens, **words.about(longest)),
    ]


def _typed(stop: object) -> list[str]:
    return [item for item in stop if isinstance(item, str)] if isinstance(stop, list) else []


async def send_panel(offer: Offer, chat: Chat, session: WebsocketSession) -> None:
    """Sends the panel with the session's settings."""
    shown = widgets(offer, chat.language, config.ui.name, session.chat_settings, chat.listing, admin=chat.admin)
    panel = Panel(shown)
    # A copy, because Chainlit changes its own in place when the panel is confirmed.
    chat.panel = dict(await panel.send())


async def show_mode(offer: Offer, chat: Chat, session: WebsocketSession) -> None:
    """If thinking was switched in the panel, updates the temperature to its default for that mode."""
    followed = follow_thinking(session.chat_settings, chat.panel, offer)
    chat.panel = dict(session.chat_settings)
    if followed != session.chat_settings:
        session.chat_settings = followed
        await send_panel(offer, chat, session)
