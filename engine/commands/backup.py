"""`./start.sh backup DIR` and `./start.sh restore DIR`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from engine.arguments import given_path
from engine.backup.chat_store import BackupError, chat_store
from engine.backup.make import Manifest, make_backup
from engine.backup.restore import restore
from engine.config import Settings


def add_backup(parser: argparse.ArgumentParser) -> None:
    """The options of `backup`."""
    parser.add_argument("folder", metavar="DIR", type=given_path, help="a new folder, outside the workspace")


def add_restore(parser: argparse.ArgumentParser) -> None:
    """The options of `restore`."""
    parser.add_argument("folder", metavar="DIR", type=given_path, help="the folder of a backup")
    parser.add_argument("--force", action="store_true", help="move existing chats aside")


def back_up(settings: Settings, chosen: argparse.Namespace) -> int:
    """Makes a backup. Returns 1 after one sentence if it can't be made."""

    def work() -> None:
        manifest = make_backup(settings.files, chat_store(settings), chosen.folder)
        print(f"Backed up {_contents(manifest)} into {chosen.folder}. Keep it safe: it holds keys and passwords.")

    return _done(work, f"The backup could not be made ({{}}); nothing is left in {chosen.folder}.")


def bring_back(settings: Settings, chosen: argparse.Namespace) -> int:
    """Restores a backup. Returns 1 after one sentence if it can't be restored."""

    def work() -> None:
        manifest, aside = restore(chosen.folder, settings.files, chat_store(settings), force=chosen.force)
        print(f"Restored {_contents(manifest)} from {manifest.made} into {settings.workspace}. Start with ./start.sh")
        if aside:
            print(f"The previous data is in {aside}; delete it when you no longer need it.")

    return _done(work, f"The backup could not be restored ({{}}): make room in {settings.workspace} and try again.")


def _contents(manifest: Manifest) -> str:
    files = manifest.files or {}
    pictures = sum(path.startswith("uploads/") for path in files)
    megabytes = sum(entry["bytes"] for entry in files.values()) / 1e6
    return f"{manifest.chats} chats and {pictures} pictures ({megabytes:.1f} MB)"


def _done(work: Callable[[], None], failed: str) -> int:
    # The folders in a backup, and the files that pg_dump writes, must be private too.
    os.umask(0o077)
    # Exit by an exception, so that unfinished work is removed.
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGHUP, _leave)
    try:
        work()
    except BackupError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(failed.format(f"{error.strerror or error}{place}"), file=sys.stderr)
        return 1
    return 0


def _leave(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)
