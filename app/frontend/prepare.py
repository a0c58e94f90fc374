"""Builds the folder in the workspace from which Chainlit serves the page.

Chainlit reads its configuration, translations, public files and front end from one folder, and writes into it when it
is imported. So the project's files are copied there, next to a patched copy of Chainlit's front end.
"""

import gzip
import hashlib
import json
import re
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from string import Template

from app.frontend import words
from app.frontend.errors import FrontendError
from app.frontend.files import PACKED
from app.frontend.patches import apply_patches

_HERE = Path(__file__).parent
_APP = _HERE.parent
_STAMP = "frontend.stamp"
_BUILD = ".build-"
_README = "chainlit.md"
_README_CHINESE = "chainlit_zh-CN.md"
# Chainlit logs a warning for every page view in a language that it has no file for.
_READMES = {
    _README: (_README, "chainlit_en-US.md", "chainlit_en.md", "chainlit_en-GB.md"),
    _README_CHINESE: (_README_CHINESE, "chainlit_zh.md", "chainlit_zh-TW.md", "chainlit_zh-HK.md"),
}
_PLACES = (".chainlit", "public", "frontend", *(name for names in _READMES.values() for name in names))


def prepare(page_root: Path, project_root: Path) -> None:
    """Prepares `page_root` as Chainlit's app root (`CHAINLIT_APP_ROOT`); call it before importing chainlit.

    Creates `page_root` if necessary; leaves Chainlit's own files in it (uploads) alone. Does nothing if it is already
    prepared from the same Chainlit, project files and patches.

    Raises:
        FrontendError: the installed Chainlit is not the one that the patches were made for.
    """
    shipped = _shipped_frontend()
    chainlit_version = version("chainlit")
    stamp = _stamp(chainlit_version, project_root)
    marker = page_root / _STAMP
    if marker.is_file() and marker.read_text() == stamp and all((page_root / place).exists() for place in _PLACES):
        return
    page_root.mkdir(parents=True, exist_ok=True)
    for leftover in page_root.glob(f"{_BUILD}*"):
        # From a preparation that was killed.
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=page_root, prefix=_BUILD) as build:
        _build(Path(build), project_root, shipped, chainlit_version, stamp[:12])
        marker.unlink(missing_ok=True)
        for place in _PLACES:
            _replace(Path(build) / place, page_root / place, Path(build))
        # Written last: an interrupted preparation has no stamp and is repeated.
        marker.write_text(stamp)


def _shipped_frontend() -> Path:
    # Without importing chainlit, which would read its settings from the wrong folder.
    spec = find_spec("chainlit")
    if spec is None or not spec.submodule_search_locations:
        raise FrontendError("Chainlit is not installed: run ./start.sh, which installs it.")
    return Path(spec.submodule_search_locations[0])


def _stamp(chainlit_version: str, project_root: Path) -> str:
    digest = hashlib.sha256(chainlit_version.encode())
    sources = [project_root / ".chainlit", project_root / "public", _HERE, words.FOLDER]
    files = [file for source in sources for file in source.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    for file in sorted([*files, *(project_root / name for name in _READMES)]):
        digest.update(f"\0{file.relative_to(_APP if file.is_relative_to(_APP) else project_root)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _build(build: Path, project_root: Path, shipped: Path, chainlit_version: str, stamp: str) -> None:
    shutil.copytree(project_root / "public", build / "public")
    for source, names in _READMES.items():
        for name in names:
            shutil.copyfile(project_root / source, build / name)
    _build_settings(build / ".chainlit", project_root / ".chainlit", shipped)
    _build_frontend(build / "frontend", project_root / "public", shipped / "frontend" / "dist", chainlit_version, stamp)


def _build_settings(target: Path, source: Path, shipped: Path) -> None:
    """Copies the settings, and provides one of our two translations for every language that Chainlit knows.

    Otherwise Chainlit adds its own texts for the other languages, which name another product.
    """
    shutil.copytree(source, target)
    translations = target / "translations"
    languages = {file.stem for file in (shipped / "translations").glob("*.json")} | {"en", "en-GB", "zh", "zh-HK"}
    for language in sorted(languages):
        ours = "zh-CN" if language.startswith("zh") else "en-US"
        if language != ours:
            shutil.copyfile(translations / f"{ours}.json", translations / f"{language}.json")


def _build_frontend(target: Path, public: Path, dist: Path, chainlit_version: str, stamp: str) -> None:
    shutil.copytree(dist, target, ignore=shutil.ignore_patterns("*.map", "index.html", "logo_*", "favicon.*"))
    assets = target / "assets"
    shipped_index = (dist / "index.html").read_text(encoding="utf-8")
    script = _asset(r'<script type="module"[^>]* src="/assets/([^"]+\.js)"', shipped_index, chainlit_version)
    stylesheet = _asset(r'<link rel="stylesheet"[^>]* href="/assets/([^"]+\.css)"', shipped_index, chainlit_version)

    for file in assets.glob("*.js"):
        code = re.sub(rb"\n//# sourceMappingURL=\S+\s*$", b"\n", file.read_bytes())
        if file.name == script:
            code = apply_patches(code, chainlit_version)
            # The only large file that every page view needs. A higher level takes longer than it saves.
            (assets / f"{script}{PACKED}").write_bytes(gzip.compress(code, 6, mtime=0))
        file.write_bytes(code)

    boot = f"boot-{stamp}.js"
    theme = json.loads((public / "theme.json").read_text(encoding="utf-8"))["variables"]
    boot_script = (_HERE / "boot.js").read_text(encoding="utf-8")
    theme_script = f"window.theme = {json.dumps(theme)};"
    (assets / boot).write_text(f"{theme_script}\n{words.script()}\n{boot_script}", encoding="utf-8")
    for page in ("index.html", "status.html", "plan.html"):
        template = Template((_HERE / page).read_text(encoding="utf-8"))
        text = template.substitute(stylesheet=stylesheet, script=script, boot=boot, stamp=stamp)
        (target / page).write_text(text, encoding="utf-8")


def _asset(pattern: str, index: str, chainlit_version: str) -> str:
    names: list[str] = re.findall(pattern, index)
    if len(names) != 1:
        raise FrontendError(
            f"Chainlit {chainlit_version}'s index.html has {len(names)} places instead of one for {pattern}: "
            "install the locked version, or update app/frontend/prepare.py."
        )
    return names[0]


def _replace(new: Path, place: Path, build: Path) -> None:
    # A folder can't be renamed over another; the old one goes into the build folder, which is removed at the end.
    if place.exists():
        place.rename(build / f"old-{place.name}")
    new.rename(place)
