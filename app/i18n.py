"""The server's texts, in English and Chinese.

`.chainlit/translations/` has those of the front end; these are for messages, steps, settings and errors. They are in
`app/locales/<language>.toml`, every key in each of them.
"""

import tomllib
from functools import cache
from pathlib import Path

from engine.wording import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "catalogue", "language_of", "text"]


def text(key: str, language: Language, admin: bool = False, /, **values: object) -> str:
    """Returns the text `key` in `language`, with `values` for its `{placeholders}`, which may have a format.

    `admin`: an admin reads it. Commands, settings and the reasons of faults are in the texts for admins only.

    Raises:
        KeyError: the catalogue has no such key, or a placeholder has no value.
    """
    words = catalogue(language)[key]
    return (for_admins(language).get(key, words) if admin else words).format(**values)


def language_of(languages: str | None) -> Language:
    """Returns our language for a browser, from its `Accept-Language` or from a single tag such as `zh-CN`.

    Only its most preferred language counts, as in the front end, so that page and server agree.
    """
    best_tag, best_quality = "", 0.0
    for entry in (languages or "").split(","):
        tag, _, parameters = entry.partition(";")
        quality = _quality(parameters)
        if tag.strip() and quality > best_quality:
            best_tag, best_quality = tag.strip().lower(), quality
    return "zh" if best_tag.split("-")[0] == "zh" else "en"


@cache
def catalogue(language: Language) -> dict[str, str]:
    """Returns all texts of `language` by their keys, as everyone reads them."""
    return {key: words for key, words in _file(language).items() if isinstance(words, str)}


def for_admins(language: Language) -> dict[str, str]:
    """Returns the texts that admins get instead, by their keys."""
    texts = _file(language)["admin"]
    assert isinstance(texts, dict)
    return texts


@cache
def _file(language: Language) -> dict[str, str | dict[str, str]]:
    path = Path(__file__).parent / "locales" / f"{language}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _quality(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
