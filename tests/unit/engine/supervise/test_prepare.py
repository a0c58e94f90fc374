"""Files of a pinned commit are compared with their digests once, wherever they come from."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalog import File, Model, find_model
from engine.config import Settings
from engine.engines.reader import reader_plan
from engine.install import checking
from engine.install.checking import is_stamped, stamp_beside
from engine.plans.launch import WEIGHTS, LaunchPlan
from engine.supervise import prepare as preparing
from engine.supervise.prepare import prepare
from engine.supervise.service import PermanentError

MODEL = find_model("Kimi-VL-A3B-Thinking-2506")
FILES = {"model.gguf": os.urandom(20_000), "mmproj.gguf": os.urandom(10_000)}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With a model whose variant is these files."""
    model_file, mmproj_file = (
        File(name=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()) for name, data in FILES.items()
    )
    gguf = MODEL.variant("gguf")
    assert gguf is not None
    changes = {"repository": MODEL.repository, "model_file": model_file, "mmproj_file": mmproj_file}
    small: Model = MODEL.model_copy(update={"variants": (gguf.model_copy(update=changes),)})
    monkeypatch.setattr(preparing, "find_model", lambda _: small)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    made = Settings(_env_file=None, workspace=tmp_path / "w", models=str(tmp_path / "models"))
    made.files.create()
    return made


def ours(settings: Settings) -> Path:
    return settings.models_folder / f"{MODEL.name}-gguf"


def in_the_cache(settings: Settings) -> Path:
    """The snapshot of the hub's cache on this machine."""
    repo = Path(os.environ["HF_HOME"]) / "hub" / f"models--{MODEL.repository.replace('/', '--')}"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text("abc")
    return repo / "snapshots" / "abc"


def plan_of(settings: Settings) -> LaunchPlan:
    argv = ("llama-server", WEIGHTS)
    return replace(reader_plan(settings), model=MODEL.name, weights=MODEL.name, variant="gguf", argv=argv)


def put(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("place", [ours, in_the_cache])
async def test_files_that_nobody_has_checked_are_checked_once(
    settings: Settings, place: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(place)
    folder = place(settings)
    put(folder, FILES)
    assert (await prepare(plan_of(settings), settings, lambda *_: None)).argv == ("llama-server", str(folder))
    wanted = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    assert is_stamped(folder, stamp_beside(ours(settings)), wanted)
    monkeypatch.setattr(preparing, "run_chore", None)
    await prepare(plan_of(settings), settings, lambda *_: None)


@pytest.mark.parametrize("place", [ours, in_the_cache])
async def test_a_file_of_the_right_size_with_other_content_is_named(settings: Settings, place: object) -> None:
    assert callable(place)
    folder = place(settings)
    put(folder, {**FILES, "mmproj.gguf": FILES["mmproj.gguf"][::-1]})
    for _ in range(2):
        with pytest.raises(PermanentError, match=r"mmproj\.gguf has other content than is known here: delete it"):
            await prepare(plan_of(settings), settings, lambda *_: None)
    assert not stamp_beside(ours(settings)).exists()


def test_a_file_that_has_changed_since_is_checked_again(tmp_path: Path) -> None:
    folder, wanted = tmp_path / "m", dict.fromkeys(FILES, "0" * 64)
    put(folder, FILES)
    stamp = stamp_beside(folder)
    checking.write_stamp(folder, stamp, wanted)
    assert is_stamped(folder, stamp, wanted)
    assert not is_stamped(folder, stamp, dict.fromkeys(FILES, "1" * 64))
    os.utime(folder / "mmproj.gguf", ns=(1, 1))
    assert not is_stamped(folder, stamp, wanted)
