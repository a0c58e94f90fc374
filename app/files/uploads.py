"""Uploaded files → pictures in the workspace: `uploads/<thread>/<sha256>.<png|jpg>`, named by their content's hash.

Decoding runs in two threads, and PDFs and videos are drawn in processes, so that neither delays other users' streams or
fills the memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import logging
import math
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

import aiofiles.os

from app.background import finished
from app.fair_queue import FairLine
from app.files import pdf, pdf_process
from app.files.frames import Frames, container_of, take_frames
from app.files.originals import WHOLE, best_of, original_path, use_again
from app.files.pictures import (
    NormalPicture,
    Pages,
    PictureError,
    PictureLimits,
    is_animation,
    normalise,
    normalise_pages,
)  # fmt: skip
from app.files.room import has_room
from app.files.single_flight import SingleFlight
from app.files.tiles import long_picture
from app.talk.conversation import Picture
from engine.formats.moments import clock, frame_name
from engine.system import missing_fonts
from engine.system.atomic_write import replace_file

MAX_BYTES = 64 * 1024 * 1024
"""The largest file that is taken; the page's upload limit is the same."""
MAX_PAGES = 20
_PROCESSES_AT_ONCE = 2
_PICTURES_AT_ONCE = 2
_REMEMBERED = 1000
_Made = TypeVar("_Made")
_log = logging.getLogger("app.files")
_THREAD_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True)
class Notice:
    """Something that the user should know about an upload: the key of a message and its values."""

    key: str
    values: dict[str, object]


@dataclass
class Stored:
    """The pictures made of one file, and notices about it."""

    pictures: list[Picture]
    notices: list[Notice] = field(default_factory=list)
    pages: int = 1
    """How many the file has; `pictures` may be only some of them."""
    first: int = 0
    """How many pages come before them."""
    shown_as_it_is: bool = True
    """Whether browsers can show the uploaded file; otherwise they get the pictures made of it."""


class UploadStore:
    """Accepts files. One for the whole process; safe to use from many chats at once."""

    def __init__(self, folder: Path, missing_fonts: Path | None = None) -> None:
        """Takes the folder of the pictures, and the file in which to note the fonts that PDFs lack."""
        self._folder = folder
        self._missing_fonts = missing_fonts
        self._threads = ThreadPoolExecutor(max_workers=_PICTURES_AT_ONCE, thread_name_prefix="pictures")
        self._decoding = FairLine(_PICTURES_AT_ONCE)
        self._drawing = FairLine(_PROCESSES_AT_ONCE)
        self._known: OrderedDict[tuple[str, str, PictureLimits, int, int], Stored] = OrderedDict()
        self._making: SingleFlight[Stored] = SingleFlight()
        self._writing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Held while a file is written, by its path."""
        self._unsent: set[str] = set()
        """The paths of pictures that are new, and that no question has yet."""

    async def take(
        self,
        path: Path,
        name: str,
        thread: str,
        limits: PictureLimits,
        most: int,
        *,
        person: str = "",
        first: int = 0,
        ahead: bool = False,
    ) -> Stored:
        """Makes at most `most` pictures of the file at `path`, which was called `name`, for the thread `thread`.

        Those of its first `first` pages are left out. Waiting files of each `person` are served in turn. With `ahead`
        the file is not sent yet, and `drop_unsent` may remove its pictures again.

        Raises:
            PictureError: it cannot be used; the values include the file's name.
        """
        name = display_name(name)
        try:
            while True:
                stored = await self._take(path, name, thread, limits, most, first=first, person=person)
                if ahead:
                    return stored
                self._unsent.difference_update(picture.path for picture in stored.pictures)
                # They may have been dropped a moment ago.
                if await asyncio.to_thread(_in_use_again, stored):
                    return stored
        except PictureError as error:
            raise PictureError(error.key, **{**error.values, "name": name}) from error

    def drop_unsent(self, pictures: Iterable[Picture]) -> None:
        """Deletes those of the pictures that were taken ahead and by no question since."""
        for path in {picture.path for picture in pictures} & self._unsent:
            self._unsent.discard(path)
            best_of(Path(path)).unlink(missing_ok=True)
            Path(path).unlink(missing_ok=True)

    async def _take(
        self, path: Path, name: str, thread: str, limits: PictureLimits, most: int, *, first: int, person: str
    ) -> Stored:
        if most < 1:
            raise PictureError("picture_too_many")
        if (await aiofiles.os.stat(path)).st_size > MAX_BYTES:
            raise PictureError("picture_too_many_bytes", megabytes=MAX_BYTES // 1024 // 1024)
        # Not by aiofiles: cancelled while it opens the file, it would leave it open.
        data = await asyncio.to_thread(path.read_bytes)
        digest = hashlib.sha256(data).hexdigest()
        key = (thread, digest + name, limits, most, first)
        known = self._known.get(key)
        if known is not None and await asyncio.to_thread(_in_use_again, known):
            return known
        make = partial(self._make, data, name, thread, limits, most, first=first, person=person)
        stored = self._known[key] = await self._making.do(key, make)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return stored

    async def _make(
        self, data: bytes, name: str, thread: str, limits: PictureLimits, most: int, *, first: int, person: str
    ) -> Stored:
        stored = Stored([])
        try:
            await self._fill(stored, data, name, thread, limits=limits, most=most, first=first, person=person)
        except BaseException:
            # Cancelled or rejected half-way: no question has what was stored so far.
            self.drop_unsent(stored.pictures)
            raise
        return stored

    async def _fill(
        self,
        stored: Stored,
        data: bytes,
        name: str,
        thread: str,
        *,
        limits: PictureLimits,
        most: int,
        first: int,
        person: str,
    ) -> None:
        if bool(container_of(data)) or await asyncio.to_thread(is_animation, data):
            await self._keep_frames(stored, await self.frames(data, limits, most, person), name, thread)
        elif pdf.is_pdf(data):
            async with self._drawing.place(person):
                pages: Pages = await pdf_process.draw(data, limits, min(most, MAX_PAGES), first=first)
            # A page is drawn at the size that fits; there was no larger picture that people could miss.
            await self._keep(stored, pages, name, thread, first, noted=False)
        elif parts := await self._decoded(partial(long_picture, data, limits, most), person):
            await self._keep(stored, Pages(parts, 1), name, thread, 0, noted=False)
            stored.notices.append(Notice("picture_parts", {"name": name, "count": len(parts) - 1}))
        else:
            pages = await self._decoded(partial(normalise_pages, data, limits, min(most, MAX_PAGES), first), person)
            await self._keep(stored, pages, name, thread, first, noted=pages.total == 1)
            if limits.keep_original and pages.total == 1 and any(picture.scaled for picture in pages.pictures):
                await self._keep_original(data, Path(stored.pictures[0].path), person)
            stored.shown_as_it_is = is_web_picture(data)

    async def _keep(self, stored: Stored, pages: Pages, name: str, thread: str, first: int, *, noted: bool) -> None:
        """`noted`: whether to say what was done to the pictures."""
        stored.pages, stored.first, stored.shown_as_it_is = pages.total, first, False
        for number, picture in enumerate(pages.pictures, first + 1):
            title = name if len(pages.pictures) == 1 and first == 0 else f"{name} ({number})"
            if picture.part:
                title = f"{name} · {picture.part}"
            await self._keep_picture(stored.pictures, picture, title, thread)
            stored.notices += _notices(picture, title) if noted else []
        if pages.total > first + len(pages.pictures):
            values = {"name": name, "shown": first + len(pages.pictures), "total": pages.total}
            stored.notices.append(Notice("pages_left_out", values))
        if pages.missing_fonts:
            if self._missing_fonts:
                await asyncio.to_thread(missing_fonts.note, self._missing_fonts, pages.missing_fonts)
            stored.notices.append(Notice("fonts_missing", {"name": name, "fonts": ", ".join(pages.missing_fonts)}))

    async def _keep_frames(self, stored: Stored, frames: Frames, name: str, thread: str) -> None:
        stored.pages, stored.shown_as_it_is = len(frames.pictures), False
        for picture, seconds in zip(frames.pictures, frames.times, strict=True):
            await self._keep_picture(stored.pictures, picture, frame_name(name, seconds), thread)
        values = {"name": name, "shown": len(frames.pictures), "length": clock(math.ceil(frames.duration))}
        stored.notices.append(Notice("video_frames", values))
        if frames.unchanged:
            stored.notices.append(Notice("video_unchanged", {"name": name, "count": frames.unchanged}))
        if frames.sound:
            stored.notices.append(Notice("video_sound", {"name": name}))

    async def _keep_picture(self, kept: list[Picture], picture: NormalPicture, title: str, thread: str) -> Picture:
        """Stores the picture and adds it to `kept`, which has it even if this is cancelled."""
        if not _THREAD_NAME.fullmatch(thread):
            raise ValueError(f"{thread!r} cannot be a folder's name")
        folder = self._folder / thread
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{hashlib.sha256(picture.data).hexdigest()}.{picture.extension}"
        found = Picture(str(path), title, picture.width, picture.height)
        kept.append(found)
        await self._write_new(path, picture.data)
        return found

    @finished
    async def _write_new(self, path: Path, data: bytes) -> None:
        # One at a time for each file: of two that wrote it, the later would take it for unsent after it was sent.
        lock = self._writing.setdefault(str(path), asyncio.Lock())
        async with lock:
            if await _write(path, data):
                self._unsent.add(str(path))

    async def take_bytes(self, data: bytes, name: str, thread: str, limits: PictureLimits, person: str = "") -> Picture:
        """Makes a picture of `data`, which did not come as a file, for the thread `thread`.

        Raises:
            PictureError: it cannot be used.
            OSError: it cannot be stored, or the disk has no room for it.
        """
        if len(data) > MAX_BYTES:
            raise PictureError("picture_too_many_bytes", megabytes=MAX_BYTES // 1024 // 1024)
        picture = await self.normalised(data, limits, person)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # No upload guard has seen it.
        if not has_room(self._folder, len(picture.data)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        kept = await self._keep_picture([], picture, display_name(name), thread)
        self._unsent.discard(kept.path)
        if limits.keep_original and picture.scaled:
            await self._keep_original(data, Path(kept.path), person)
        return kept

    async def _keep_original(self, data: bytes, path: Path, person: str) -> None:
        """Keeps the picture at its own size; where that can't be, tools look at the scaled one."""
        try:
            whole = await self.normalised(data, WHOLE, person)
            if has_room(self._folder, len(whole.data)):
                await _write(original_path(path, whole.extension), whole.data)
            else:
                _log.warning("a picture's full resolution was not kept: the disk has no room")
        except (PictureError, OSError) as error:
            _log.warning("a picture's full resolution was not kept: %s", error)

    def path_of(self, thread: str, file: str) -> Path:
        """The file of a picture in the folder of a thread."""
        return self._folder / thread / file

    async def frames(self, data: bytes, limits: PictureLimits, most: int, person: str = "") -> Frames:
        """A video's frames, not stored; users are served in turn.

        Raises:
            PictureError: it cannot be used.
        """
        async with self._drawing.place(person):
            return await take_frames(data, limits, most)

    async def normalised(self, data: bytes, limits: PictureLimits, person: str = "") -> NormalPicture:
        """A picture's bytes, normalised in the decoding threads and not stored; users are served in turn.

        Raises:
            PictureError: it cannot be used.
        """
        return await self._decoded(partial(normalise, data, limits), person)

    async def _decoded(self, make: Callable[[], _Made], person: str) -> _Made:
        async with self._decoding.place(person):
            return await asyncio.get_running_loop().run_in_executor(self._threads, make)

    def close(self) -> None:
        """Ends the decoding threads once they are idle."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def display_name(name: str) -> str:
    """A file's name for messages: no folders, no control or direction characters, of limited length."""
    visible = "".join(character for character in name.replace("\\", "/").split("/")[-1] if character.isprintable())
    return visible.strip()[:80] or "?"


def is_web_picture(data: bytes) -> bool:
    """Whether browsers show such a file: PNG, JPEG, GIF, BMP, WebP or AVIF."""
    starts = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM")
    return data.startswith(starts) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP") or data[4:12] == b"ftypavif"


def _notices(picture: NormalPicture, name: str) -> list[Notice]:
    notices = []
    if picture.scaled:
        width, height = picture.original_size
        size = {"from_width": width, "from_height": height, "width": picture.width, "height": picture.height}
        notices.append(Notice("picture_scaled", {"name": name, **size}))
    if picture.left_out_frames:
        notices.append(Notice("picture_first_frame", {"name": name, "total": picture.left_out_frames + 1}))
    return notices


def _in_use_again(stored: Stored) -> bool:
    """Whether its files still exist; resets their age for the retention."""
    try:
        for picture in stored.pictures:
            use_again(Path(picture.path))
    except FileNotFoundError:
        return False
    return True


async def _write(path: Path, data: bytes) -> bool:
    """Writes a picture atomically, unless it exists; returns whether it did."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(path)
        return False
    await asyncio.to_thread(replace_file, path, data)
    return True
