"""Downloads a model's files in a separate process: `python -m engine.install.download HUB REPOSITORY FOLDER`.

It prints one line of JSON: `{"total": BYTES}` when it begins, or `{"failed": REASON, …}`. It skips what is already on
disk, and resumes partial files. It runs outside the supervisor because a process can be stopped in the middle of a
download, and a library call can't.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from engine.install.weights import size

RESERVE = 2_000_000_000
"""Bytes of disk that stay free for everything else."""


def main() -> int:
    """Downloads; exit status 0 if every file is complete."""
    hub, repository, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        total = modelscope_total(repository) if hub == "modelscope" else huggingface_total(repository)
        free = shutil.disk_usage(folder).free
        needed = max(0, total - size(folder)) + RESERVE
        if needed > free:
            return _failed("disk", needed=needed, free=free)
        print(json.dumps({"total": total}), flush=True)
        modelscope_fetch(repository, folder) if hub == "modelscope" else huggingface_fetch(repository, folder)
    except OSError as error:
        # Both hubs' errors, and a broken or absent network, are OSErrors.
        status: int | None = getattr(getattr(error, "response", None), "status_code", None)
        reasons = {401: "gated", 403: "gated", 404: "unknown"}
        return _failed(reasons.get(status or 0, "unreachable"), text=str(error)[:300])
    return 0


def huggingface_total(repository: str) -> int:
    """The size of all files in bytes, according to Hugging Face.

    Raises:
        OSError: the hub can't be reached or refuses.
    """
    from httpx2 import HTTPError  # noqa: PLC0415 - the client that huggingface_hub brings
    from huggingface_hub import HfApi  # noqa: PLC0415 - only for this hub

    try:
        info = HfApi().model_info(repository, files_metadata=True, timeout=20)
    except HTTPError as error:
        if isinstance(error, OSError):  # an error from the hub is both
            raise
        raise ConnectionError(str(error)) from error
    return sum(file.size or 0 for file in info.siblings or [])


def huggingface_fetch(repository: str, folder: Path) -> None:
    """Downloads from Hugging Face; resumes partial files."""
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - only for this hub

    snapshot_download(repository, local_dir=folder)


def modelscope_total(repository: str) -> int:
    """The size of all files in bytes, according to ModelScope."""
    from modelscope.hub.api import HubApi  # noqa: PLC0415 - only for this hub

    return sum(int(file.get("Size") or 0) for file in HubApi().get_model_files(repository, recursive=True))


def modelscope_fetch(repository: str, folder: Path) -> None:
    """Downloads from ModelScope; resumes partial files."""
    from modelscope import snapshot_download  # noqa: PLC0415 - only for this hub

    snapshot_download(repository, local_dir=str(folder))


def _failed(reason: str, **details: object) -> int:
    print(json.dumps({"failed": reason, **details}), flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
