"""The settings panel: one widget for each field of `settings.ChatSettings`, in the person's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainlit.input_widget import InputWidget, NumberInput, Select, Slider, Switch, Tags, TextInput

from app.i18n import Language, text
from app.settings import MAX_TEMPERATURE, Offer, parse


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
