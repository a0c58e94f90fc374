"""Warnings about settings that have no effect, or another than it seems; shown at the start and by the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from engine.config import ROOT, Settings
from engine.env_file import env_lines

_OF_COMPOSE = {"KIMI_ENGINE_KEY", "KIMI_POSTGRES_PASSWORD"}
"""What compose.yaml reads from `.env` besides our settings."""


def settings_notes(settings: Settings, env_file: Path = ROOT / ".env") -> list[str]:
    """One sentence per problem. None contains a setting's value, which may be a secret."""
    return [*_of_file(env_file), *_of_origins(settings.origins)]


def _of_file(env_file: Path) -> Iterator[str]:
    known = {str(field.validation_alias or f"KIMI_{name.upper()}") for name, field in Settings.model_fields.items()}
    known |= _OF_COMPOSE
    seen: set[str] = set()
    for line in env_lines(env_file):
        # The parser counts empty lines before a setting as part of it.
        blank = line.original.string[: -len(line.original.string.lstrip()) or None]
        number = line.original.line + (blank.count("\n") if line.original.string.strip() else 0)
        place = f"{env_file}, line {number}"
        name = (line.key or "").upper()
        if line.error:
            yield f"{place} is not a setting and is ignored: write NAME=value, and close each quotation."
        elif name.startswith("KIMI_") and name not in known:
            close = get_close_matches(name, known, n=1, cutoff=0.8)
            yield f"{place}: there is no setting {line.key}" + (f"; did you mean {close[0]}?" if close else ".")
        elif name in known and name in seen:
            yield f"{place}: {line.key} is set again; this line counts."
        seen.add(name)


def _of_origins(origins: str) -> Iterator[str]:
    for origin in filter(None, map(str.strip, origins.split(","))):
        parts = urlsplit(origin)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path not in {"", "/"}:
            yield f"KIMI_ORIGINS: {origin!r} is not an address of the page; write it like https://chat.example.org"
