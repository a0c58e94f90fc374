"""The replacements in Chainlit's bundle: each is a record, and one that no longer fits is named."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.frontend.errors import FrontendError
from app.frontend.patches import GROUPS, PATCHES, apply_patches
from engine.config import ROOT

INSTALLED = version("chainlit")


def shipped() -> Path:
    spec = find_spec("chainlit")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "frontend" / "dist"


def main_script() -> Path:
    [name] = re.findall(r'<script type="module"[^>]* src="/assets/([^"]+)"', (shipped() / "index.html").read_text())
    return shipped() / "assets" / str(name)


@pytest.fixture(scope="module")
def bundle() -> bytes:
    return main_script().read_bytes()


def test_every_replacement_fits(bundle: bytes) -> None:
    patched = apply_patches(bundle, INSTALLED)
    assert [patch.name for patch in PATCHES if patch.new.encode() not in patched] == []


def test_a_bundle_in_which_pieces_were_changed_is_refused_by_the_names_of_their_replacements(bundle: bytes) -> None:
    changed = {module: group[-1] for module, group in GROUPS.items()}
    for patch in changed.values():
        bundle = bundle.replace(patch.old.encode(), b"another minifier was here")
    with pytest.raises(FrontendError) as refused:
        apply_patches(bundle, "2.13.0")
    first, *misfits = str(refused.value).splitlines()
    assert "Chainlit 2.13.0" in first
    assert "install the locked version" in first
    assert misfits == [
        f"- {patch.name} in app/frontend/patches/{module}.py ({patch.why}): 0 places instead of {patch.places}; "
        f"written for Chainlit {patch.version}, {patch.file}"
        for module, patch in changed.items()
    ]


def test_what_the_script_of_names_looks_for_is_in_the_bundle(bundle: bytes) -> None:
    script = (ROOT / "public" / "names.js").read_text(encoding="utf-8")
    found = re.findall(r'"([#.])([\w-]+)": "\w+"', script)
    assert len(found) == 9
    for kind, name in found:
        text = f'id:"{name}"' if kind == "#" else f'className:"{name} '
        assert text.encode() in bundle, f"{kind}{name} of public/names.js is not in Chainlit {INSTALLED}"


def test_a_piece_that_is_there_twice_is_refused(bundle: bytes) -> None:
    patch = PATCHES[0]
    with pytest.raises(FrontendError, match=rf"- {patch.name} in .*: 2 places instead of 1"):
        apply_patches(bundle + patch.old.encode(), INSTALLED)


def test_several_that_do_not_fit_are_all_named() -> None:
    with pytest.raises(FrontendError) as refused:
        apply_patches(b"the bundle of another program", "9.9.9")
    assert [line.split()[1] for line in str(refused.value).splitlines()[1:]] == [patch.name for patch in PATCHES]


def test_every_replacement_is_a_whole_record() -> None:
    assert len({patch.name for patch in PATCHES}) == len(PATCHES)
    for patch in PATCHES:
        assert re.fullmatch(r"[a-zA-Z-]+", patch.name)
        assert len(patch.why) > 20
        assert patch.old != patch.new


def test_every_replacement_was_seen_with_the_chainlit_that_is_installed() -> None:
    assert {patch.name for patch in PATCHES if patch.version != INSTALLED} == set()


def test_every_module_of_replacements_is_applied() -> None:
    modules = {file.stem for file in (ROOT / "app" / "frontend" / "patches").glob("*.py")}
    assert modules - {"__init__", "patch"} == set(GROUPS)


def test_every_file_that_a_replacement_names_is_in_chainlits_source() -> None:
    script = main_script()
    sources = json.loads(script.with_name(f"{script.name}.map").read_text(encoding="utf-8"))["sources"]
    # Of its client library the bundle has a built copy: the map does not know its files.
    ours = {patch.file for patch in PATCHES if not patch.file.startswith("libs/react-client/src/")}
    assert len(ours) > 30
    assert [
        file for file in sorted(ours) if not any(name.endswith(file.removeprefix("frontend")) for name in sources)
    ] == []
