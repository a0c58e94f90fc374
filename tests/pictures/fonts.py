"""Fonts for test pictures: Noto Sans CJK from PyPI for everything, DejaVu (Debian) for variety in Latin script."""

from functools import lru_cache
from importlib.metadata import files
from pathlib import Path

from PIL import ImageFont

_DEJAVU = Path("/usr/share/fonts/truetype/dejavu")


@lru_cache
def cjk_path() -> Path:
    """Return the path of Noto Sans CJK, which the test group installs; it holds Latin letters as well."""
    for file in files("cvttf-notosanscjk-regular") or []:
        if file.suffix == ".otf":
            return Path(str(file.locate()))
    raise FileNotFoundError("Noto Sans CJK is missing: install the test group (`./start.sh test` does).")


@lru_cache
def font(size: int, family: str = "cjk") -> ImageFont.FreeTypeFont:
    """Return `family` at `size` pixels: "cjk", or "sans", "serif", "mono" in Latin script (CJK where Debian lacks them)."""
    names = {"sans": "DejaVuSans.ttf", "serif": "DejaVuSerif.ttf", "mono": "DejaVuSansMono.ttf"}
    latin = _DEJAVU / names[family] if family in names else cjk_path()
    return ImageFont.truetype(str(latin if latin.exists() else cjk_path()), size)
