"""A frame of a video is a picture, with its time in its name and in a text before it.

The page writes both. The reader takes such a text as the picture's heading, not as part of the question.
"""

from __future__ import annotations

import re

_LONGEST_NAME = 60
"""In letters; names of pictures are cut at 80."""
_NAMED = re.compile(r" · (?P<time>(?:\d+:)?\d?\d:\d\d)$")
_CAPTION = re.compile(r"Frame at (?P<time>(?:\d+:)?\d?\d:\d\d):")


def clock(seconds: float) -> str:
    """A time as people write it: `0:12`, `1:02:03`."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def frame_name(video: str, seconds: float) -> str:
    """The name of a video's frame: `clip.mp4 · 0:12`."""
    return f"{video[:_LONGEST_NAME]} · {clock(seconds)}"


def caption(name: str) -> str:
    """The text before the picture of this name, such as `Frame at 0:12:`; empty if it is no frame."""
    named = _NAMED.search(name)
    return f"Frame at {named['time']}:" if named else ""


def moment_in(text: str) -> str:
    """The time in a caption, such as `0:12`; empty if the text is none."""
    found = _CAPTION.fullmatch(text)
    return found["time"] if found else ""
