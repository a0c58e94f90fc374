"""The font that comes with the installation, for PDFs that name a Chinese or Japanese font without holding it.

Its own table of names says Apache License 2.0. The package around it is under MIT; its description names the OFL for
the font, which the font itself does not.
"""

from importlib.util import find_spec
from pathlib import Path

TITLE = "WenQuanYi Micro Hei"
_PACKAGE = "paperang_p2_fonts_cjk"


def folder() -> Path | None:
    """Return the folder with the font's file; None where its package is not installed."""
    found = find_spec(_PACKAGE)
    places = list(found.submodule_search_locations or []) if found else []
    fonts = Path(places[0]) / "fonts" if places else None
    return fonts if fonts and any(fonts.glob("*.tt[cf]")) else None
