"""The texts of the browser's scripts, in one catalogue: `app/locales/browser/<language>.toml`."""

import json
import tomllib
from pathlib import Path
from typing import Any

from app.i18n import LANGUAGES, Language

FOLDER = Path(__file__).parents[1] / "locales" / "browser"


def words(language: Language) -> dict[str, Any]:
    """Returns the texts of `language`, in tables: for the chat, the banner and the status page."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def script() -> str:
    """Returns the JavaScript that sets `window.words`; `boot.js` chooses the language."""
    return f"window.words = {json.dumps({language: words(language) for language in LANGUAGES}, ensure_ascii=False)};"
