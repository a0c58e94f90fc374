"""A private folder for one program's temporary files, which goes when the program has ended.

Some engines leave sockets and files behind in the system's folder when they are killed. The workspace is no place for
sockets: their paths may have 107 bytes.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path

from engine.atomic_write import replace_json
from engine.identity import Identity

_PREFIX = "kimi-engine-"
_LONGEST_ROOT = 40
"""Bytes of the system's folder that leave enough for ours and for a socket's name in it."""
_SHORT_ROOT = "/tmp"  # noqa: S108 - what is made in it is new, and its owner's alone


class Scratch:
    """One folder at a time; `note` is the file that remembers it, and the workspace's identity, should we be killed."""

    def __init__(self, note: Path, identity: Identity) -> None:
        self._note = note
        self._identity = identity
        self._folder: Path | None = None

    def make(self) -> Path | None:
        """A new folder, empty and its owner's alone; None where there is no room for one."""
        self.remove()
        root = tempfile.gettempdir()
        folder = Path(root if len(root.encode()) <= _LONGEST_ROOT else _SHORT_ROOT, _PREFIX + secrets.token_hex(8))
        # Noted first: a folder that nobody knows of would stay for ever.
        with contextlib.suppress(OSError):
            replace_json(self._note, {"folder": str(folder), "workspace": asdict(self._identity)})
        try:
            folder.mkdir(mode=0o700)
        except OSError:
            return None
        self._folder = folder
        return folder

    def remove(self) -> None:
        """Removes the folder, also one that an earlier life of ours has noted and left behind."""
        for folder in {self._folder, self._noted()} - {None}:
            # What the note says is deleted with all that is in it, so it has to look like ours.
            if folder is not None and folder.name.startswith(_PREFIX) and not folder.is_symlink():
                shutil.rmtree(folder, ignore_errors=True)
        self._folder = None
        self._note.unlink(missing_ok=True)

    def _noted(self) -> Path | None:
        """The folder in the note, if it is this workspace's: a copy's note names the one that the original uses."""
        try:
            noted = json.loads(self._note.read_text())
            ours = Identity.read(noted["workspace"]) == self._identity
            return Path(noted["folder"]) if ours else None
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
