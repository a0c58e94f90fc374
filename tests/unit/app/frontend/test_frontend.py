"""The folder that Chainlit reads, which `prepare` makes from the installed Chainlit and the project's files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.frontend import PageFiles, content_security_policy, prepare
from app.frontend.errors import FrontendError
from app.frontend.patches import GROUPS
from app.frontend.patches.fixes import FIXES
from engine.config import ROOT


@pytest.fixture(scope="module")
def page_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspace with space") / "run" / "page"
    prepare(root, ROOT)
    return root


@pytest.fixture
def prepared(page_root: Path, tmp_path: Path) -> Path:
    """A folder that has been prepared, for tests that change it."""
    return Path(shutil.copytree(page_root, tmp_path / "page"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's page files, for tests that change them."""
    root = tmp_path / "project"
    for folder in (".chainlit", "public"):
        shutil.copytree(ROOT / folder, root / folder)
    for readme in ROOT.glob("chainlit*.md"):
        shutil.copy(readme, root)
    return root


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """Every file below `root` with what changes when it is written again."""
    return {
        str(file.relative_to(root)): (file.stat().st_ino, file.stat().st_mtime_ns)
        for file in root.rglob("*")
        if file.is_file()
    }


# ---------------------------------------------------------------------------------------------------------- Preparing


def test_a_second_start_writes_nothing(prepared: Path) -> None:
    before = contents(prepared)
    prepare(prepared, ROOT)
    assert contents(prepared) == before


def test_a_changed_file_of_the_project_is_taken_over_one_that_is_gone_is_removed_and_chainlits_own_stay(
    prepared: Path, project: Path
) -> None:
    index = (prepared / "frontend" / "index.html").read_text()
    upload = prepared / ".files" / "session" / "picture.png"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"picture")
    assert (prepared / "public" / "banner.js").exists()
    (project / "public" / "banner.js").unlink()
    (project / "public" / "style.css").write_text("body { color: red }")
    prepare(prepared, project)
    assert (prepared / "public" / "style.css").read_text() == "body { color: red }"
    assert not (prepared / "public" / "banner.js").exists()
    assert (prepared / "frontend" / "index.html").read_text() != index, "a browser would keep the old style sheet"
    assert upload.read_bytes() == b"picture"


def test_a_preparation_that_was_cut_short_is_made_again(
    prepared: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = prepared
    (project / "public" / "style.css").write_text("new")
    rename = Path.rename

    def fails_at_the_front_end(self: Path, target: Path) -> Path:
        if Path(target).name == "frontend":
            raise OSError("disk full")
        return rename(self, target)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="disk full"):
        patched.setattr(Path, "rename", fails_at_the_front_end)
        prepare(root, project)
    (root / ".build-killed").mkdir()
    prepare(root, project)
    assert (root / "public" / "style.css").read_text() == "new"
    assert (root / "frontend" / "index.html").is_file()
    assert not list(root.glob(".build-*"))


def test_another_chainlit_is_refused_by_its_version_and_nothing_is_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GROUPS, "fixes", (FIXES[0]._replace(old="gone with version 3"),))
    with pytest.raises(FrontendError, match=r"(?s)Chainlit 2\.12\.0's front end is not the one.*text after a colon"):
        prepare(tmp_path / "page", ROOT)
    assert list((tmp_path / "page").iterdir()) == []


# ------------------------------------------------------------------------------------------------- What is in the copy


def test_the_copy_has_no_source_maps_and_names_none(page_root: Path) -> None:
    scripts = list((page_root / "frontend").rglob("*.*js"))
    assert len(scripts) > 5
    assert not list((page_root / "frontend").rglob("*.map"))
    assert not [script.name for script in scripts if "sourceMappingURL=" in script.read_text(encoding="utf-8")]


def test_nothing_that_a_page_view_loads_is_on_another_host(page_root: Path) -> None:
    html = (page_root / "frontend" / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', html)
    assert loaded
    assert all(re.match(r"/(?!/)", address) for address in loaded), loaded
    for sheet in [*(page_root / "public").rglob("*.css"), *(page_root / "frontend").rglob("*.css")]:
        foreign = re.findall(
            r"(?:url\(\s*['\"]?|@import\s+['\"]?)(?:https?:)?//[^)\s]+", sheet.read_text(encoding="utf-8")
        )
        assert not foreign, f"{sheet.name}: {foreign}"


def test_katex_has_each_font_that_its_style_sheet_names(page_root: Path) -> None:
    katex = page_root / "public" / "katex"
    named = set(re.findall(r"url\(([^)]+)\)", (katex / "katex.min.css").read_text()))
    assert len(named) == 20
    assert named == {f"fonts/{font.name}" for font in (katex / "fonts").iterdir()}


def test_katex_is_the_version_that_the_bundle_writes_for(page_root: Path) -> None:
    sheet = (page_root / "public" / "katex" / "katex.min.css").read_text()
    version = re.search(r'\.katex-version:after\{content:"([\d.]+)"\}', sheet)
    bundle = next(file for file in (page_root / "frontend" / "assets").glob("index-*.js"))
    assert version
    assert f'"{version[1]}"' in bundle.read_text(encoding="utf-8")


def test_the_policy_is_refused_for_a_page_with_an_inline_script(tmp_path: Path) -> None:
    index = tmp_path / "frontend" / "index.html"
    index.parent.mkdir()
    index.write_text('<script src="/a.js"></script>')
    policy = content_security_policy(tmp_path)
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    index.write_text("<script>alert(1)</script>")
    with pytest.raises(FrontendError, match="inline script"):
        content_security_policy(tmp_path)


# ------------------------------------------------------------------------------------------------------- Sending it


@pytest.fixture(scope="module")
def assets(page_root: Path) -> TestClient:
    return TestClient(PageFiles(directory=page_root / "frontend" / "assets"))


def bundle_of(page_root: Path) -> Path:
    return next((page_root / "frontend" / "assets").glob("index-*.js"))


def test_the_bundle_goes_out_compressed_and_is_the_same(page_root: Path, assets: TestClient) -> None:
    bundle = bundle_of(page_root)
    packed = assets.get(f"/{bundle.name}")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-type"].split(";")[0] in {"text/javascript", "application/javascript"}
    assert int(packed.headers["content-length"]) < bundle.stat().st_size / 3
    assert packed.text == bundle.read_text(encoding="utf-8")


def test_a_browser_that_takes_no_gzip_gets_the_file_itself(page_root: Path, assets: TestClient) -> None:
    plain = assets.get(f"/{bundle_of(page_root).name}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert int(plain.headers["content-length"]) == bundle_of(page_root).stat().st_size


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_file_that_the_browser_has_is_not_sent_again(page_root: Path, assets: TestClient, encoding: str) -> None:
    name = bundle_of(page_root).name
    first = assets.get(f"/{name}", headers={"accept-encoding": encoding})
    assert first.headers["cache-control"] == "no-cache"
    again = assets.get(f"/{name}", headers={"accept-encoding": encoding, "if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


# ---------------------------------------------------------------------------------------------- As Chainlit serves it

_SERVE = """
import json, re
from starlette.testclient import TestClient
from chainlit.config import config
from chainlit.server import app
with_page = TestClient(app)
html = with_page.get("/").text
found = {address: with_page.get(address).status_code for address in re.findall(r'(?:src|href)="([^"]+)"', html)}
german = with_page.get("/project/translations?language=de-DE").json()["translation"]
hong_kong = with_page.get("/project/translations?language=zh-HK").json()["translation"]
print(json.dumps({
    "html": html, "found": found, "title": [german["auth"]["login"]["title"], hong_kong["auth"]["login"]["title"]],
    "features": config.features.model_dump(), "ui": config.ui.model_dump(), "project": config.project.model_dump(),
    "logos": [with_page.get(f"/logo?theme={theme}").headers["content-type"] for theme in ("light", "dark")],
}))
"""


@pytest.fixture(scope="module")
def served(page_root: Path) -> dict[str, Any]:
    """What Chainlit, imported as the page does it, makes of the folder."""
    environment = {**os.environ, "CHAINLIT_APP_ROOT": str(page_root)}
    run = subprocess.run(
        [sys.executable, "-c", _SERVE],
        env=environment,
        cwd=page_root.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return result


def test_chainlit_serves_the_prepared_page_with_every_script_from_a_file(served: dict[str, Any]) -> None:
    scripts = re.findall(r"<script([^>]*)>", served["html"])
    assert len(scripts) == (ROOT / "app" / "frontend" / "index.html").read_text().count("<script") > 5
    assert all('src="/' in attributes for attributes in scripts)
    assert "INJECTION PLACEHOLDER" not in served["html"]
    assert "https:" not in served["html"]


def test_everything_that_the_page_loads_is_there(served: dict[str, Any]) -> None:
    assert set(served["found"].values()) == {200}, served["found"]
    assert served["logos"] == ["image/svg+xml"] * 2


def test_the_page_can_be_installed_with_icons_of_the_sizes_that_it_names() -> None:
    manifest = json.loads((ROOT / "public" / "manifest.json").read_text())
    assert {"name", "short_name", "start_url", "display", "icons"} <= set(manifest)
    # Without its own background the system would put a picture on white, or cut it.
    maskable = {icon["sizes"] for icon in manifest["icons"] if "maskable" in icon.get("purpose", "")}
    assert maskable == {"192x192", "512x512"}
    named = {icon["src"]: icon["sizes"] for icon in manifest["icons"] if icon["sizes"] != "any"}
    for source, sizes in {**named, "/public/icon-180.png": "180x180"}.items():
        with Image.open(ROOT / source.lstrip("/")) as icon:
            assert f"{icon.width}x{icon.height}" == sizes
            assert icon.mode == "RGB"


def test_chainlit_takes_the_settings_as_they_are_meant(served: dict[str, Any]) -> None:
    features, ui, project = served["features"], served["ui"], served["project"]
    assert not features["unsafe_allow_html"]
    assert not features["mcp"]["enabled"]
    assert not features["audio"]["enabled"]
    assert features["latex"]
    assert features["edit_message"]
    assert features["spontaneous_file_upload"]["max_files"] == 20
    assert features["spontaneous_file_upload"]["max_size_mb"] == 64
    assert "*" not in project["allow_origins"]
    assert ui["language"] is None
    assert ui["cot"] == "full"
    assert ui["chat_settings_location"] == "message_composer"


def test_chainlit_knows_every_key_of_the_settings(served: dict[str, Any]) -> None:
    # It ignores what it does not know: a key that was renamed would go unnoticed.
    settings = tomllib.loads((ROOT / ".chainlit" / "config.toml").read_text())
    for section, known in (("project", "project"), ("features", "features"), ("UI", "ui")):
        assert set(settings[section]) <= set(served[known]), section


def test_a_browser_in_any_language_gets_our_words(served: dict[str, Any]) -> None:
    assert served["title"] == ["Sign in to Kimi-VL Chat", "登录 Kimi-VL Chat"]


# --------------------------------------------------------------------------------------------------------- Translations


def leaves(tree: dict[str, Any], path: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in tree.items():
        found |= leaves(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return found


def translation(language: str) -> dict[str, str]:
    return leaves(json.loads((ROOT / ".chainlit" / "translations" / f"{language}.json").read_text(encoding="utf-8")))


def test_both_translations_have_every_key_of_chainlits() -> None:
    spec = find_spec("chainlit")
    assert spec
    assert spec.submodule_search_locations
    shipped = Path(spec.submodule_search_locations[0]) / "translations" / "en-US.json"
    keys = set(leaves(json.loads(shipped.read_text(encoding="utf-8"))))
    # Chainlit looks up the words of an HTTP status as well, but ships no texts for them.
    keys |= {"auth.login.errors.unauthorized", "auth.login.errors.too many requests"}
    assert set(translation("en-US")) == keys
    assert set(translation("zh-CN")) == keys


def test_a_steps_name_is_on_its_own_line() -> None:
    for language in ("en-US", "zh-CN"):
        empty = {key for key, sentence in translation(language).items() if not sentence}
        assert empty == {"chat.messages.status.using", "chat.messages.status.used"}


def test_the_chinese_translation_is_chinese() -> None:
    english, chinese = translation("en-US"), translation("zh-CN")
    same = {key for key in english if english[key] == chinese[key] and english[key]}
    assert same <= {"navigation.user.menu.settingsKey"}
    assert {key for key, value in chinese.items() if value and not re.search(r"[一-鿿]", value)} == same


def test_no_text_speaks_of_chainlit() -> None:
    for text in [*translation("en-US").values(), *translation("zh-CN").values()]:
        assert "chainlit" not in text.lower()
