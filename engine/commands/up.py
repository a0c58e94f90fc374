"""`./start.sh` without a command. Imports only what it needs, because the user is waiting for the page."""

from __future__ import annotations

import sys
from collections.abc import Callable

from engine.commands.settings_notes import settings_notes
from engine.commands.terminal import fit_to_terminal
from engine.config import ROOT, ConfigError, Settings, load_settings
from engine.engines import registry
from engine.plans import tuning
from engine.tracing import take_standard_settings


def main() -> int:
    """Runs `up`; returns the exit status."""
    return guarded(up)


def up(settings: Settings) -> int:
    """Starts the engine and the web process, and runs until it is stopped."""
    from engine.supervise.supervisor import AlreadyRunningError, CannotStartError, Supervisor, WorkspaceLostError  # noqa: PLC0415 - only this command needs it

    take_standard_settings(ROOT / ".env")
    for note in settings_notes(settings):
        print(note, file=sys.stderr)
    try:
        Supervisor(settings).run()
    except (AlreadyRunningError, CannotStartError, WorkspaceLostError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def guarded(run: Callable[[Settings], int]) -> int:
    """Calls `run` with the settings; returns its status, 2 for a wrong setting, 1 without access, 130 on Ctrl-C."""
    fit_to_terminal()
    try:
        settings = load_settings()
        registry.check(settings)
        tuning.check(settings)
        return run(settings)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except PermissionError as error:
        # The workspace is private to its owner.
        print(f"This user may not use {error.filename}: start as the owner of the workspace.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
