"""Fetches one file of known size and digest by HTTP, going on where an earlier try ended."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 1024 * 1024
_SILENCE_SECONDS = 60.0


class DownloadError(Exception):
    """The file can't be had; the text says why, and names its address."""


@dataclass(frozen=True)
class RemoteFile:
    """A file as its address, size in bytes and SHA-256 (hexadecimal)."""

    url: str
    size: int
    sha256: str


def fetch(file: RemoteFile, target: Path) -> None:
    """Brings the file to `target`, where it is whole or not at all. The part that is there so far lies beside it.

    Raises:
        DownloadError: the server can't be reached, or gives another file than the one that is wanted.
        OSError: it can't be written.
    """
    part = target.with_name(f"{target.name}.part")
    if part.exists() and part.stat().st_size > file.size:
        part.unlink()
    try:
        _go_on(file, part)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
        raise DownloadError(f"{file.url} can't be fetched ({error}).") from error
    if part.stat().st_size < file.size:
        raise DownloadError(f"The download of {file.url} broke off; start again to go on with it.")
    if part.stat().st_size > file.size or digest(part) != file.sha256:
        part.unlink()
        raise DownloadError(f"{file.url} is not the file whose digest is known here.")
    part.replace(target)


def _go_on(file: RemoteFile, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have == file.size:
        return
    request = urllib.request.Request(file.url, headers={"Range": f"bytes={have}-"} if have else {})  # noqa: S310 - ours
    with urllib.request.urlopen(request, timeout=_SILENCE_SECONDS) as reply:  # noqa: S310 - ours
        goes_on = reply.status == 206
        with part.open("ab" if goes_on else "wb") as out:
            room = file.size - (have if goes_on else 0)
            # One byte more than there should be is enough to know that it is another file.
            while room >= 0 and (chunk := reply.read(min(_CHUNK, room + 1))):
                out.write(chunk)
                room -= len(chunk)


def digest(path: Path) -> str:
    """The file's SHA-256, hexadecimal.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
