"""The files of a question: converted to pictures and shown in their place, or rejected with a reason."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import chainlit as cl
from chainlit.session import WebsocketSession

from app.files.pictures import PictureError
from app.files.uploads import Stored, UploadStore
from app.i18n import text
from app.page.answer.frame import show_note
from app.page.asking.refusals import refuse_file
from app.page.chat import Chat
from app.presets import Presets
from app.talk.conversation import Picture
from app.telemetry import spans
from app.upstream.state import EngineState


class Attachments:
    """Accepts the files of all chats, within the limits of the running model."""

    def __init__(self, state: EngineState, store: UploadStore, presets: Presets) -> None:
        self._state = state
        self._store = store
        self._presets = presets

    async def take(self, session: WebsocketSession, chat: Chat, message: cl.Message, parent_id: str) -> list[Picture]:
        """Converts the message's files to pictures; shows for each rejected file why it can't be used."""
        files: list[tuple[Any, Path, str]] = [
            (element, Path(element.path), element.name) for element in message.elements if element.path
        ]
        first = not files and not chat.conversation.turns
        sample = self._presets.sample(message.content) if first else None
        if sample:
            await cl.Image(path=str(sample), name=sample.name, display="inline").send(for_id=message.id)
            files = [(None, sample, sample.name)]
        if not files:
            return []
        taken: list[Picture] = []
        shown: list[Any] = []
        as_they_are = True
        for element, path, name in files:
            try:
                with spans.picture() as seen:
                    stored = await self._next(session, path, name, taken)
                    seen.extend(stored.pictures)
            except (PictureError, OSError) as error:
                await refuse_file(error, name, chat.language, parent_id)
                # After a fault of ours, such as a full disk, the file stays: it can be sent again.
                if element and isinstance(error, PictureError):
                    await element.remove()
                continue
            taken += stored.pictures
            if element:
                shown.append(element)
                as_they_are &= stored.shown_as_it_is
            for notice in stored.notices:
                await show_note(text(notice.key, chat.language, **notice.values), parent_id)
        if not as_they_are:
            await _show_pictures(shown, taken, message.id)
        return taken

    async def take_ahead(self, session: WebsocketSession, files: Iterable[tuple[Path, str]]) -> list[Picture]:
        """Converts files, with their names, as `take` will once they are sent; leaves out those that can't be used."""
        taken: list[Picture] = []
        for path, name in files:
            with contextlib.suppress(PictureError, OSError):
                taken += (await self._next(session, path, name, taken, ahead=True)).pictures
        return taken

    def drop_unsent(self, pictures: Iterable[Picture]) -> None:
        """Deletes those of the pictures taken ahead that no question has."""
        self._store.drop_unsent(pictures)

    async def _next(
        self, session: WebsocketSession, path: Path, name: str, taken: Sequence[Picture], *, ahead: bool = False
    ) -> Stored:
        """The pictures of a file, within what those before it leave of the model's limits."""
        client = await self._state.launched()
        most = client.model.pictures_per_prompt - len(taken)
        left = client.picture_limits.without(sum(picture.width * picture.height for picture in taken))
        person = session.user.identifier if session.user else ""
        return await self._store.take(path, name, session.thread_id, left, most, person=person, ahead=ahead)


async def _show_pictures(elements: list[Any], pictures: list[Picture], message_id: str) -> None:
    """Replaces the files, of which browsers cannot show some, with the pictures made of them, in their order."""
    for element in elements:
        await element.remove()
    for picture in pictures:
        await cl.Image(path=picture.path, name=picture.name, display="inline").send(for_id=message_id)
