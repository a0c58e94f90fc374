"""Shows why something is rejected: in red, below the question that it concerns."""

from __future__ import annotations

import logging

import chainlit as cl

from app.files.pictures import PictureError
from app.i18n import Language, text

_log = logging.getLogger("app.page")


async def refuse(words: str, parent_id: str) -> None:
    """Shows a refusal below `parent_id`."""
    refusal = cl.Message(content=words, parent_id=parent_id)
    refusal.is_error = True
    await refusal.send()


async def refuse_file(error: PictureError | OSError, name: str, language: Language, parent_id: str) -> None:
    """Shows why a file can't be used."""
    if isinstance(error, PictureError):
        words = text(error.key, language, **error.values)
    else:
        _log.error("could not store a picture", exc_info=error)
        words = text("picture_not_stored", language, name=name)
    await refuse(words, parent_id)
