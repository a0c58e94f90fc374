"""A private folder for one program's temporary files, deleted when the program has ended.

Some engines leave sockets and files behind in the system's temporary folder when they are killed. The folder can't be
in the workspace: the path of a socket is limited to 107 bytes.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from engine.identity import Identity
from engine.system.atomic_write import replace_json

_PREFIX = "kimi-engine-"
_LONGEST_ROOT = 40
"""Bytes of the system folder's path that leave enough for our folder's name and a socket's."""
_SHORT_ROOT = "/tmp"  # noqa: S108 - the folder made in it is new and private


class Scratch:
    """One folder at a time. The file `note` records it with the workspace's identity, in case we are killed."""

    def __init__(self, note: Path, identity: Identity) -> None:
        self._note = note
        self._identity = identity
        self._folder: Path | None = None

    def make(self) -> Path | None:
        """Makes a new, empty, private folder; None if it can't be made."""
        self.remove()
        root = tempfile.gettempdir()
        folder = Path(root if len(root.encode()) <= _LONGEST_ROOT else _SHORT_ROOT, _PREFIX + secrets.token_hex(8))
        # Record it first: an unrecorded folder would stay for ever.
        with contextlib.suppress(OSError):
            replace_json(self._note, {"folder": str(folder), "workspace": asdict(self._identity)})
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            return None
        self._folder = folder
        return folder

    def remove(self) -> None:
        """Removes the folder, and one that an earlier run recorded and left behind."""
        for folder in {self._folder, self._noted()} - {None}:
            # The recorded folder is deleted with everything in it, so it must look like one of ours.
            if folder is not None and folder.name.startswith(_PREFIX) and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
        self._folder = None
        self._note.unlink(missing_ok=True)

    def _noted(self) -> Path | None:
        """The recorded folder, if this workspace recorded it: a copy's note names the folder that the original uses."""
        try:
            noted = json.loads(self._note.read_text())
            ours = Identity.read(noted["workspace"]) == self._identity
            return Path(noted["folder"]) if ours else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
