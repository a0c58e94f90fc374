"""Fonts for test pictures, all from PyPI, so that a picture is the same on every machine."""

from functools import lru_cache
from importlib.metadata import files
from pathlib import Path
from typing import Literal

from PIL import ImageFont

Family = Literal["cjk", "sans", "serif", "serif-italic", "serif-bold", "sans-bold"]

# Package and end of the file's name. Only "cjk" has Chinese characters; it has Latin letters as well.
_FILES: dict[Family, tuple[str, str]] = {
    "cjk": ("cvttf-notosanscjk-regular", "Regular.otf"),
    "sans": ("font-rhd", "RedHatDisplay-Regular.ttf"),
    "sans-bold": ("font-rhd", "RedHatDisplay-Bold.ttf"),
    "serif": ("font-caladea", "Caladea-Regular.ttf"),
    "serif-bold": ("font-caladea", "Caladea-Bold.ttf"),
    "serif-italic": ("font-caladea", "Caladea-Italic.ttf"),
}


@lru_cache
def _path(family: Family) -> Path:
    package, end = _FILES[family]
    for file in files(package) or []:
        if file.name.endswith(end):
            return Path(str(file.locate()))
    raise FileNotFoundError(f"{package} is missing: install the test group (`./start.sh test` does).")


@lru_cache
def font(size: int, family: Family = "cjk") -> ImageFont.FreeTypeFont:
    """Return `family` at `size` pixels."""
    return ImageFont.truetype(str(_path(family)), size)
