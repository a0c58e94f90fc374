"""The full resolution of a picture that was scaled down to what the model takes, for tools that look closer.

It lies beside the scaled picture, is never sent to an engine or a browser as a whole, and is deleted with it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from app.files.pictures import MAX_PIXELS, PictureLimits

WHOLE = PictureLimits(MAX_PIXELS, MAX_PIXELS)
"""No limits but those of decoding."""
_MARK = ".full"


def original_path(picture: Path, extension: str) -> Path:
    """Where the original of a stored picture belongs."""
    return picture.with_name(f"{picture.stem}{_MARK}.{extension}")


def best_of(picture: Path) -> Path:
    """The original of a stored picture, or the picture itself if there is none."""
    found = (original_path(picture, extension) for extension in ("jpg", "png"))
    return next((path for path in found if path.is_file()), picture)


def use_again(picture: Path) -> None:
    """Resets the age of a picture and its original for the retention.

    Raises:
        FileNotFoundError: the picture is gone.
    """
    os.utime(picture)
    with suppress(FileNotFoundError):
        if (best := best_of(picture)) != picture:
            os.utime(best)
