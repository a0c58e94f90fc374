"""An exception from a turn → one sentence for the user, with the way out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import httpx2

from app.lazily import openai
from app.talk.fitting import TooLongError
from app.upstream.state import EngineFailedError, NoSupervisorError
from app.upstream.stream import BrokenStreamError, StreamedError, error_text

_TOO_LONG = re.compile(r"maximum context length|max_model_len|context length|too long|longer than the", re.IGNORECASE)
_TOO_MANY = re.compile(r"at most (\d+) image", re.IGNORECASE)
_UNFIT_PICTURE = re.compile(r"Failed to apply \w+", re.IGNORECASE)
"""vLLM's message when the model's own processor can't handle a picture, such as one that is far too wide."""
_BAD_PICTURE = re.compile(r"image|picture|media|file://|allowed-local-media", re.IGNORECASE)
_LONGEST_DETAIL = 200
UNEXPECTED = "unexpected"
"""An unexpected error, whose traceback is in the log."""


@dataclass(frozen=True)
class Fault:
    """The key of a message and its values, and whether a retry may help."""

    key: str
    values: dict[str, object] = field(default_factory=dict)
    retry: bool = True


def explain(error: Exception) -> Fault:  # noqa: PLR0911 - one line for each kind
    """The fault behind an exception from a turn; `UNEXPECTED` for any other exception."""
    match error:
        case EngineFailedError():
            return Fault("engine_failed", {"reason": error.reason}) if error.reason else Fault("engine_not_running")
        case NoSupervisorError():
            return Fault("no_supervisor", retry=False)
        case TooLongError():
            return Fault("too_long", {"needed": f"{error.needed:,}", "context": f"{error.context:,}"}, retry=False)
        case BrokenStreamError():
            return Fault("engine_broke_off")
        case StreamedError():
            return _refusal(str(error))
        case openai.APIStatusError():
            return _status(error)
        case openai.APIConnectionError() | httpx2.HTTPError():
            return _connection(error)
        case _:
            return Fault(UNEXPECTED, {"kind": type(error).__name__})


def _connection(error: Exception) -> Fault:
    if isinstance(error, httpx2.ReadTimeout) or isinstance(error.__cause__, httpx2.ReadTimeout):
        return Fault("engine_silent")
    if isinstance(error, httpx2.HTTPError):
        # The response had begun, so it was the stream that broke.
        return Fault("engine_broke_off")
    return Fault("engine_unreachable")


def _status(error: openai.APIStatusError) -> Fault:
    match error.status_code:
        case 401 | 403:
            return Fault("engine_key", retry=False)
        case 404:
            return Fault("model_not_served", retry=False)
        case 429 | 503:
            return Fault("engine_busy")
        case code if code >= 500:
            return Fault("engine_error", {"detail": _detail(error_text(error.body))})
        case _:
            return _refusal(error_text(error.body))


def _refusal(said: str) -> Fault:
    """The engine rejects the question; vLLM distinguishes the reasons only in its message."""
    if match := _TOO_MANY.search(said):
        return Fault("too_many_pictures", {"most": match.group(1)}, retry=False)
    if _TOO_LONG.search(said):
        return Fault("too_long_said", {"detail": _detail(said)}, retry=False)
    if _UNFIT_PICTURE.search(said):
        return Fault("picture_unfit", retry=False)
    if _BAD_PICTURE.search(said):
        return Fault("picture_refused", {"detail": _detail(said)}, retry=False)
    return Fault("engine_error", {"detail": _detail(said)})


def _detail(said: str) -> str:
    """The first line of the engine's message, short enough for a sentence and safe in Markdown."""
    line = " ".join((said.strip().splitlines() or [""])[0].split())
    line = line.replace("`", "'")
    return line if len(line) <= _LONGEST_DETAIL else line[: _LONGEST_DETAIL - 1] + "…"
