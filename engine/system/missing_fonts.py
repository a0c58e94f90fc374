"""The fonts that PDFs named, and that were neither in them nor on this machine.

The page notes them, and `doctor` names them. The names come from files of others, so they are cut, and only the last
few are kept.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from engine.system.atomic_write import replace_json

_MOST, _LONGEST = 20, 60
_KEPT = timedelta(days=30)
_Noted = TypeAdapter(dict[str, datetime])


def note(file: Path, names: tuple[str, ...]) -> None:
    """Adds `names` to those in `file`.

    Raises:
        OSError: it can't be written.
    """
    now = datetime.now(UTC)
    shown = ["".join(filter(str.isprintable, name))[:_LONGEST] for name in names]
    kept = {name: seen for name, seen in _read(file).items() if name not in shown} | dict.fromkeys(
        filter(None, shown), now
    )
    replace_json(file, {name: seen.isoformat() for name, seen in list(kept.items())[-_MOST:]})


def noted(file: Path) -> list[str]:
    """The names noted in the last 30 days, the latest first."""
    since = datetime.now(UTC) - _KEPT
    return [name for name, seen in reversed(_read(file).items()) if seen > since]


def _read(file: Path) -> dict[str, datetime]:
    try:
        return _Noted.validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return {}
