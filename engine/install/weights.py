"""Finds a model's weights and checks before a launch that they are complete."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.catalog import File, Model, Variant
from engine.config import ROOT
from engine.status import Reason, Value
from engine.wording import sentence


class WeightsError(Exception):
    """The weights can't be used; `reason` says why, with the way out."""

    def __init__(self, key: str, **values: Value) -> None:
        self.reason = Reason(f"weights_{key}", values)
        super().__init__(sentence(self.reason))


@dataclass(frozen=True)
class Missing:
    """Weights that are not on this machine, and the folder for them."""

    repository: str
    folder: Path
    revision: str = ""
    """The commit that is wanted; empty: the newest."""
    files: tuple[File, ...] = ()
    """What is wanted of the repository; empty: all."""


def find_weights(model: Model, chosen: str, models: Path, form: str = "") -> Path | Missing:
    """The folder with the model's weights, looked for where people keep them.

    `chosen` is what `KIMI_MODEL` says: a folder wins over a name. Then `models`/<name>, then the hub's cache. `form` is
    the name of the model's variant whose weights are wanted; those of its own, if it is empty.

    Raises:
        WeightsError: the named folder is not a complete model.
    """
    variant = model.variant(form)
    if variant is not None and variant.files:
        return _find_files(model, variant, chosen, models)
    if is_folder(chosen):
        return checked(Path(chosen).expanduser().resolve())
    if model.local:
        return checked(ROOT / model.local)
    ours = models / model.name
    if (ours / "config.json").exists() and not _lacking(ours):
        return checked(ours)
    cached = hub_snapshot(model.repository)
    if cached is not None:
        return checked(cached)
    return Missing(model.repository, ours)


def is_folder(chosen: str) -> bool:
    """Whether `KIMI_MODEL` names a folder, i.e. begins like a path."""
    return chosen.startswith(("/", "./", "../", "~"))


def checked(folder: Path) -> Path:
    """The folder, after checking that it holds a complete checkpoint that current libraries can load.

    Raises:
        WeightsError: something is missing or too old.
    """
    if not folder.is_dir():
        raise WeightsError("no_folder", folder=str(folder))
    if not (folder / "config.json").is_file():
        raise WeightsError("no_config", folder=str(folder))
    if lacking := _lacking(folder):
        raise WeightsError("incomplete", folder=str(folder), file=lacking[0], count=len(lacking))
    if old := _too_old(folder):
        raise WeightsError("old", folder=str(folder), file=old)
    return folder


def _find_files(model: Model, variant: Variant, chosen: str, models: Path) -> Path | Missing:
    if is_folder(chosen):
        folder = Path(chosen).expanduser().resolve()
        if lacking := lacking_files(folder, variant.files):
            raise WeightsError("incomplete", folder=str(folder), file=lacking[0].name, count=len(lacking))
        return folder
    ours = models / f"{model.name}-{variant.name}"
    for folder in filter(None, (ours, _snapshot(variant.repository))):
        if not lacking_files(folder, variant.files):
            return folder
    return Missing(variant.repository, ours, variant.revision, variant.files)


def lacking_files(folder: Path, files: Sequence[File]) -> list[File]:
    """Which of the files are not in the folder, or of another size."""
    return [file for file in files if _size_of(folder / file.name) != file.bytes]


def _size_of(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def hub_snapshot(repository: str) -> Path | None:
    """A whole snapshot in Hugging Face's cache."""
    snapshot = _snapshot(repository)
    return snapshot if snapshot and (snapshot / "config.json").exists() and not _lacking(snapshot) else None


def _snapshot(repository: str) -> Path | None:
    """The newest snapshot in Hugging Face's cache, found as its documentation lays the cache out.

    Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
    """
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE", str(home / "hub"))).expanduser()
    repo = cache / f"models--{repository.replace('/', '--')}"
    reference = repo / "refs" / "main"
    if not reference.is_file():
        return None
    return repo / "snapshots" / reference.read_text().strip()


def size(folder: Path) -> int:
    """The size of the folder in bytes, including unfinished downloads."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0


def weights_bytes(folder: Path) -> int:
    """The size in bytes of the weights in the folder, safetensors or else GGUF; 0 if there are none."""
    for pattern in ("*.safetensors", "*.gguf"):
        if found := [path.stat().st_size for path in folder.glob(pattern)]:
            return sum(found)
    return 0


def _lacking(folder: Path) -> list[str]:
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return [] if any(folder.glob("*.safetensors")) else ["*.safetensors"]
    try:
        shards = set(json.loads(index.read_text())["weight_map"].values())
    except (json.JSONDecodeError, KeyError):
        return [index.name]
    return sorted(shard for shard in shards if not (folder / shard).is_file())


def _too_old(folder: Path) -> str | None:
    """The file that imports what transformers 5 removed, if any (Kimi-VL's tokenizer before January 2026)."""
    for path in folder.glob("tokenization_*.py"):
        text = path.read_text(errors="replace")
        if "import bytes_to_unicode" in text and "transformers" in text:
            return path.name
    return None
