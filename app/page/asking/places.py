"""Shows on the page where in its pictures an answer's words are; `public/places.js` draws it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import chainlit as cl

from app.i18n import text
from app.page.chat import Chat
from app.page.threads.resuming import PICTURE_URL
from app.talk.conversation import Answer, Picture, Turn
from app.talk.grounding import MOST_FOUND
from app.talk.places import MOST_PLACES, Place
from app.talk.seen import places_of


async def show(thread_id: str, chat: Chat, turn: Turn, answer: Answer) -> None:
    """Opens the viewer of an answer's pictures; says so if they have since been deleted."""
    seen = places_of(answer, chat.conversation.pictures_until(turn))
    if not seen:
        await cl.context.emitter.send_toast(text("places_gone", chat.language))
        return
    pictures = [_picture(picture, places, thread_id) for picture, places in seen]
    most = MOST_PLACES if answer.places else MOST_FOUND
    cut = sum(len(places) for _, places in seen) >= most
    await cl.context.emitter.send_window_message({"type": "kimi-places", "pictures": pictures, "cut": cut})


def _picture(picture: Picture, places: list[Place], thread_id: str) -> dict[str, Any]:
    file = Path(picture.path).name
    url = PICTURE_URL.format(thread=quote(thread_id), file=quote(file))
    return {"url": url, "name": picture.name, "places": [asdict(place) for place in places]}
