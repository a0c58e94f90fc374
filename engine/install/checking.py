"""Checks once that the files of a pinned commit have the content that is known, and notes that in a stamp.

    python -m engine.install.checking FOLDER STAMP WANTED

`WANTED` is JSON, `{NAME: SHA256}`. The last line says why not: a `Reason` as JSON, or what the system says. It runs
outside the supervisor, so that a stop ends it at once: reading many gigabytes takes a minute.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from engine.install.file_download import digest
from engine.install.weights import WeightsError
from engine.system.atomic_write import replace_file


def stamp_beside(folder: Path) -> Path:
    """Where it is noted that the folder's files were checked; they may also lie in a cache that is not ours."""
    return folder.with_name(f"{folder.name}.checked")


def is_stamped(folder: Path, stamp: Path, wanted: Mapping[str, str]) -> bool:
    """Whether these files were checked, and are as they were then. `wanted` has their SHA-256 by name."""
    try:
        return stamp.read_bytes() == _seen(folder, wanted)
    except OSError:
        return False


def write_stamp(folder: Path, stamp: Path, wanted: Mapping[str, str]) -> None:
    """Notes that the files' digests are those of `wanted`."""
    # Where it can't be written, the next start checks again.
    with contextlib.suppress(OSError):
        stamp.parent.mkdir(parents=True, exist_ok=True)
        replace_file(stamp, _seen(folder, wanted))


def changed(folder: Path, wanted: Mapping[str, str]) -> Path | None:
    """The first file whose content is another than the one that is wanted.

    Raises:
        OSError: a file can't be read.
    """
    return next((folder / name for name, known in wanted.items() if digest(folder / name) != known), None)


def _seen(folder: Path, wanted: Mapping[str, str]) -> bytes:
    """The files as they are now, in what a change of their content changes, too."""
    files = []
    for name, sha256 in wanted.items():
        path = (folder / name).resolve()
        about = path.stat()
        files.append([str(path), about.st_size, about.st_mtime_ns, sha256])
    return json.dumps(files).encode()


def main() -> int:
    """Checks; 1 if a file is another one."""
    folder, stamp, wanted = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    try:
        if other := changed(folder, wanted):
            print(json.dumps(asdict(WeightsError("other_content", file=str(other)).reason)), flush=True)
            return 1
    except OSError as error:
        print(error, flush=True)
        return 1
    write_stamp(folder, stamp, wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
