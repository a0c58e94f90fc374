"""The files of a question: converted to pictures and shown in their place, or rejected with a reason."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import chainlit as cl
from chainlit.session import WebsocketSession

from app.files.page_range import PageRange, named_pages
from app.files.pictures import PictureError
from app.files.uploads import MAX_PAGES, Notice, Stored, UploadStore, display_name
from app.i18n import text
from app.page.answer.frame import show_note
from app.page.asking.refusals import refuse_file
from app.page.chat import Chat, Document
from app.presets import Presets
from app.talk.conversation import Picture
from app.telemetry import spans
from app.upstream.offer import can_call_tools
from app.upstream.state import EngineState

_DOCUMENTS = (".pdf", ".tif", ".tiff")


class Attachments:
    """Accepts the files of all chats, within the limits of the running model."""

    def __init__(self, state: EngineState, store: UploadStore, presets: Presets) -> None:
        self._state = state
        self._store = store
        self._presets = presets

    async def take(self, session: WebsocketSession, chat: Chat, message: cl.Message, parent_id: str) -> list[Picture]:
        """Converts the message's files to pictures; shows for each rejected file why it can't be used."""
        pages = named_pages(message.content) if len(message.elements) < 2 else None
        files = await self._files(chat, message)
        if not files:
            return []
        taken: list[Picture] = []
        shown: list[Any] = []
        as_they_are = True
        for element, path, name in files:
            try:
                with spans.picture() as seen:
                    stored = await self._next(session, path, name, taken, pages)
                    seen.extend(stored.pictures)
            except (PictureError, OSError) as error:
                await refuse_file(error, name, chat.language, parent_id)
                # After a fault of ours, such as a full disk, the file stays: it can be sent again.
                if element and isinstance(error, PictureError):
                    await element.remove()
                continue
            taken += stored.pictures
            as_they_are &= stored.shown_as_it_is
            if element:
                shown.append(element)
            notices = stored.notices
            if stored.pages > len(stored.pictures):
                _remember(chat, path, name, stored)
                notices = [_which_pages(name, stored), *(note for note in notices if note.key != "pages_left_out")]
            for notice in notices:
                await show_note(text(notice.key, chat.language, **notice.values), parent_id)
        if not as_they_are:
            await _show_pictures(shown, taken, message.id)
        return taken

    async def take_ahead(self, session: WebsocketSession, files: Iterable[tuple[Path, str]]) -> list[Picture]:
        """Converts files, with their names, as `take` will once they are sent; leaves out those that can't be used."""
        taken: list[Picture] = []
        try:
            for path, name in files:
                with contextlib.suppress(PictureError, OSError):
                    taken += (await self._next(session, path, name, taken, None, ahead=True)).pictures
        except asyncio.CancelledError:
            self.drop_unsent(taken)
            raise
        return taken

    def brings_other_pages(self, chat: Chat, question: str) -> bool:
        """Whether the question names pages of the chat's long document that it does not have yet."""
        pages = named_pages(question)
        return bool(pages and chat.document and chat.document.has_more(pages))

    def drop_unsent(self, pictures: Iterable[Picture]) -> None:
        """Deletes those of the pictures taken ahead that no question has."""
        self._store.drop_unsent(pictures)

    async def _next(
        self,
        session: WebsocketSession,
        path: Path,
        name: str,
        taken: Sequence[Picture],
        pages: PageRange | None,
        *,
        ahead: bool = False,
    ) -> Stored:
        """The pictures of a file, within what those before it leave of the model's limits."""
        client = await self._state.launched()
        most = client.model.pictures_per_prompt - len(taken)
        left = client.picture_limits.without(sum(picture.width * picture.height for picture in taken))
        # Only tools look at the original.
        left = replace(left, keep_original=can_call_tools(client))
        person = session.user.identifier if session.user else ""
        take = partial(self._store.take, path, name, session.thread_id, left, person=person, ahead=ahead)
        return await _pages_of(take, name, most, pages)

    async def _files(self, chat: Chat, message: cl.Message) -> list[tuple[Any, Path, str]]:
        """Element, path and name of each; without any, a starter's sample or the document whose pages are named."""
        files: list[tuple[Any, Path, str]] = [
            (element, Path(element.path), element.name) for element in message.elements if element.path
        ]
        if files:
            return files
        if not chat.conversation.turns and (sample := self._presets.sample(message.content)):
            await cl.Image(path=str(sample), name=sample.name, display="inline").send(for_id=message.id)
            return [(None, sample, sample.name)]
        if chat.document and self.brings_other_pages(chat, message.content):
            return [(None, chat.document.path, chat.document.name)]
        return []


async def _pages_of(take: Callable[..., Awaitable[Stored]], name: str, most: int, pages: PageRange | None) -> Stored:
    """The pages that are asked for, of a document that has too many for all; otherwise the first ones."""
    if pages and name.lower().endswith(_DOCUMENTS):
        stored = await take(min(most, pages.count), first=pages.first - 1)
        if stored.pictures and stored.pages > min(most, MAX_PAGES):
            return stored
    return await take(most)


def _which_pages(name: str, stored: Stored) -> Notice:
    """Says which pages of a long document are used, and how to ask about others."""
    shown = len(stored.pictures)
    first, last = stored.first + 1, stored.first + shown
    values = {"name": display_name(name), "first": first, "last": last, "total": stored.pages}
    if first == 1:
        return Notice("pages_first", values | {"next": last + 1, "end": min(last + shown, stored.pages)})
    return Notice("pages_between" if shown > 1 else "pages_one", values)


def _remember(chat: Chat, path: Path, name: str, stored: Stored) -> None:
    """Keeps in mind which pages of a long document the chat has, so that others can be asked for."""
    if chat.document is None or chat.document.path != path:
        chat.document = Document(path, name, stored.pages)
    chat.document.seen.update(range(stored.first + 1, stored.first + len(stored.pictures) + 1))


async def _show_pictures(elements: list[Any], pictures: list[Picture], message_id: str) -> None:
    """Replaces the files, of which browsers cannot show some, with the pictures made of them, in their order."""
    for element in elements:
        await element.remove()
    for picture in pictures:
        await cl.Image(path=picture.path, name=picture.name, display="inline").send(for_id=message_id)
