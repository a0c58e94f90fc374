"""The server's own sentences, in English and Chinese.

What the page's front end says stands in `.chainlit/translations/`; here is what the server writes into messages, steps,
settings and errors. The sentences are in `app/locales/<language>.toml`, every key in each of them.
"""

import tomllib
from functools import cache
from pathlib import Path

from engine.wording import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "catalogue", "language_of", "text"]


def text(key: str, language: Language, **values: object) -> str:
    """Return the sentence `key` in `language`, with `values` put into its `{placeholders}`.

    A value takes a format as usual: `{seconds:.1f}`. Raises `KeyError` for a key that no catalogue has, or for a
    placeholder without a value.
    """
    return catalogue(language)[key].format(**values)


def language_of(languages: str | None) -> Language:
    """Return which of our languages suits a browser, from its `Accept-Language` or from a single tag such as `zh-CN`.

    Only the language that it asks for first counts, as in the front end: page and server must not disagree.
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
    """Return all sentences of `language` by their keys."""
    path = Path(__file__).parent / "locales" / f"{language}.toml"
    sentences: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))
    return sentences


def _quality(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
