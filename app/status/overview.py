"""The data of the status page and of `./start.sh status`: the engine and its past, the machine, and the last hour."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from app.i18n import Language, text
from app.page.live_chats import open_chats
from app.telemetry.activity import activity
from app.upstream.client import model_of
from app.upstream.state import EngineState
from engine.config import Settings
from engine.machine.load import Load, LoadMeter
from engine.status import ComingStatus, EngineStatus, PageStatus, Phase, Status
from engine.supervise import timeline
from engine.supervise.timeline import Change
from engine.wording import doing, report, sentence

CHANGES = 30
"""The most changes of state reported; the latest are kept."""
POINTS = 600
"""The most requests of the last hour reported; the latest are kept."""
_LOAD_SECONDS = 1.0


def shown(entry: EngineStatus | PageStatus | Change, language: Language, *, admin: bool = True) -> dict[str, Any]:
    """A status for JSON; its `phase` is the sentence for the current phase, or for the reason of the state.

    A reason may name commands, settings, folders and addresses: only an admin gets it.
    """
    phase = Phase.NONE if isinstance(entry, PageStatus) else entry.phase
    fields = asdict(entry)
    del fields["reason"]
    if admin:
        return fields | {"phase": report(phase, entry.reason, language)}
    failed = entry.state == "failed"
    return fields | {"phase": text("tell_owner", language) if failed else doing(phase, language)}


def coming_shown(coming: ComingStatus, language: Language, *, may: bool) -> dict[str, Any]:
    """A better engine on its way, for JSON; `may`: whether the user decides about it. Only they get the reason."""
    # It may name folders.
    reason = sentence(coming.reason, language) if may else ""
    return asdict(coming) | {"reason": reason, "may": may}


class Overview:
    """Collects the data; one for the whole process. Reads files, so call it in a thread."""

    def __init__(self, settings: Settings, state: EngineState) -> None:
        self._files = settings.files
        self._state = state
        self._meter = LoadMeter(settings.files.root)
        self._load: Load | None = None
        self._load_at = 0.0

    def read(self, language: Language) -> dict[str, Any]:
        """All data, for JSON. Times are ISO 8601 or, under `turns` and `now`, Unix time in seconds."""
        status, plan = Status.read(self._files.status), self._state.plan()
        return {
            "now": time.time(),
            "engine": shown(status.engine, language),
            "page": shown(status.page, language),
            "changes": [shown(change, language) for change in timeline.read(self._files.timeline, CHANGES)],
            "plan": {
                "engine": plan.traits.title_in(language) or plan.engine,
                "unit": plan.traits.unit,
                "model": plan.model,
                "title": model_of(plan).title,
                "accelerator": plan.accelerator,
                "context": plan.context or model_of(plan).context,
                "reasons": plan.why(language),
            }
            if plan
            else None,
            "load": asdict(self._load_now()),
            "chats": {
                "open": open_chats(),
                "answering": activity.streams,
                "waiting": activity.waiting,
                "queued": activity.queued,
            },
            "turns": [
                (round(done.at, 1), _rounded(done.first_token), _rounded(done.tokens_per_second))
                for done in activity.last_hour()[-POINTS:]
            ],
        }

    def _load_now(self) -> Load:
        # However many browsers poll, the machine is measured once a second.
        if self._load is None or time.monotonic() - self._load_at > _LOAD_SECONDS:
            self._load, self._load_at = self._meter.read(), time.monotonic()
        return self._load


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
