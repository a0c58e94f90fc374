"""Fetches a model's files, as a process of its own: `python -m engine.install.download HUB REPOSITORY FOLDER [WANTED]`.

`WANTED` is JSON, `{"revision": COMMIT, "files": {NAME: SHA256}}`: only these files, and only with this content; without
it, all of the newest. ModelScope counts its commits by itself, so that there the digests alone decide.

It prints one line of JSON: `{"total": BYTES}` when it begins, or `{"failed": REASON, …}`. It skips what is already on
disk, and resumes partial files. It runs outside the supervisor because a process can be stopped in the middle of a
download, and a library call can't.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.install.file_download import digest
from engine.install.weights import size

RESERVE = 2_000_000_000
"""Bytes of disk that stay free for everything else."""


def main() -> int:
    """Downloads; exit status 0 if every file is complete."""
    hub, repository, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    wanted = Wanted.read(sys.argv[4]) if len(sys.argv) > 4 else Wanted()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        total = (modelscope_total if hub == "modelscope" else huggingface_total)(repository, wanted)
        free = shutil.disk_usage(folder).free
        needed = max(0, total - size(folder)) + RESERVE
        if needed > free:
            return _failed("disk", needed=needed, free=free)
        print(json.dumps({"total": total}), flush=True)
        (modelscope_fetch if hub == "modelscope" else huggingface_fetch)(repository, folder, wanted)
        if changed := _changed(folder, wanted):
            changed.unlink()
            return _failed("changed", file=changed.name)
    except OSError as error:
        # Both hubs' errors, and a broken or absent network, are OSErrors.
        status: int | None = getattr(getattr(error, "response", None), "status_code", None)
        reasons = {401: "gated", 403: "gated", 404: "unknown"}
        return _failed(reasons.get(status or 0, "unreachable"), text=str(error)[:300])
    return 0


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a repository; by itself, everything."""

    revision: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 by name."""

    @classmethod
    def read(cls, text: str) -> Wanted:
        """Reads what the command line has."""
        raw = json.loads(text)
        return cls(raw.get("revision") or None, raw["files"])

    @property
    def patterns(self) -> list[str] | None:
        """For the hubs' libraries."""
        return list(self.files) or None

    def holds(self, name: str) -> bool:
        """Whether the file is wanted."""
        return not self.files or name in self.files


def _changed(folder: Path, wanted: Wanted) -> Path | None:
    """The first file whose content is another than the one that is wanted."""
    return next((folder / name for name, known in wanted.files.items() if digest(folder / name) != known), None)


def huggingface_total(repository: str, wanted: Wanted) -> int:
    """Bytes of the wanted files, asked of the hub.

    Raises:
        OSError: the hub can't be reached or refuses.
    """
    from httpx2 import HTTPError  # noqa: PLC0415 - the client that huggingface_hub brings
    from huggingface_hub import HfApi  # noqa: PLC0415 - only for this hub

    try:
        info = HfApi().model_info(repository, revision=wanted.revision, files_metadata=True, timeout=20)
    except HTTPError as error:
        if isinstance(error, OSError):  # an error from the hub is both
            raise
        raise ConnectionError(str(error)) from error
    return sum(file.size or 0 for file in info.siblings or [] if wanted.holds(file.rfilename))


def huggingface_fetch(repository: str, folder: Path, wanted: Wanted) -> None:
    """Downloads from Hugging Face with resume."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only for this hub

    snapshot_download(repository, revision=wanted.revision, allow_patterns=wanted.patterns, local_dir=folder)


def modelscope_total(repository: str, wanted: Wanted) -> int:
    """Bytes of the wanted files, asked of ModelScope."""
    from modelscope.hub.api import HubApi  # noqa: PLC0415 - only for this hub

    files = HubApi().get_model_files(repository, recursive=True)
    return sum(int(file.get("Size") or 0) for file in files if wanted.holds(str(file.get("Path"))))


def modelscope_fetch(repository: str, folder: Path, wanted: Wanted) -> None:
    """Downloads from ModelScope with resume."""
    from modelscope import snapshot_download  # noqa: PLC0415 - only for this hub

    snapshot_download(repository, allow_patterns=wanted.patterns, local_dir=str(folder))


def _failed(reason: str, **details: object) -> int:
    print(json.dumps({"failed": reason, **details}), flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
