"""The commands of `./start.sh` and their options."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from dataclasses import asdict

from rich.console import Console

from engine.commands import backup, key, prove, user
from engine.commands import plan as plan_command
from engine.commands import verify as verify_command
from engine.commands.log_view import LogView
from engine.commands.up import guarded, up
from engine.config import Settings
from engine.measure.accuracy import command as eval_command
from engine.measure.speed import command as bench_command
from engine.plans.launch import LaunchPlan
from engine.status import Status
from engine.supervise import control
from engine.system.logs import follow, tail

STOP_PATIENCE = 60.0
_OUT_OF_REACH = "It runs as another user, in another container or on another machine, which holds its lock."


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns the exit status: 0 success, 1 failure, 2 wrong usage or a wrong setting."""
    chosen = parser().parse_args(arguments)
    return guarded(lambda settings: int(chosen.run(settings, chosen)))


def doctor_command(settings: Settings, chosen: argparse.Namespace) -> int:
    """Checks the installation; exit status 1 if something is broken."""
    from engine.commands import doctor  # noqa: PLC0415 - only this command needs it

    return doctor.run(settings, chosen)


def tools_command(settings: Settings, chosen: argparse.Namespace) -> int:
    """Lists the tools of `mcp.json`, or calls one; exit status 1 if something is wrong."""
    from engine.commands import tools  # noqa: PLC0415 - only this command needs it, and it imports much

    return tools.run(settings, chosen)


def evaluate(settings: Settings, chosen: argparse.Namespace) -> int:
    """Measures how often an engine is right: the running one, or two that are started for it."""
    if chosen.mmproj:
        from engine.measure.accuracy import encoders  # noqa: PLC0415 - only this option needs it

        return encoders.run(settings, chosen)
    return eval_command.run(settings, chosen)


def status(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints the status; exit status 1 if nothing runs."""
    found = control.supervisor(settings.files)
    seen = Status.read(settings.files.status) if found else Status()
    plan = _plan(settings) if found else None
    if chosen.json:
        # ASCII only: every terminal can show it.
        print(json.dumps(asdict(seen) | {"reasons": plan.why() if plan else ()}))
    elif found:
        from engine.commands import status_view  # noqa: PLC0415 - only this command needs it

        status_view.show(settings, seen, plan, Console(highlight=False))
        if found.process is None:
            print(f"{_OUT_OF_REACH} This is the last status that it wrote.")
        if found.moved_from:
            print(
                f"{settings.workspace} was {found.moved_from} when it was started, and was moved while it ran: what it "
                "writes now is lost. Stop it (./start.sh stop) and start it again."
            )
    else:
        print("Nothing runs here. Start it with ./start.sh")
    return 0 if found else 1


def stop(settings: Settings, _: argparse.Namespace) -> int:
    """Stops the engine and the web process, and waits until they are gone."""
    found = control.supervisor(settings.files)
    if found is None:
        print(f"Nothing runs in {settings.workspace}.")
        return 0
    if not found.send(control.STOP):
        print(f"{_OUT_OF_REACH} Stop it there.", file=sys.stderr)
        return 1
    deadline = time.monotonic() + STOP_PATIENCE
    while control.supervisor(settings.files) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    if control.supervisor(settings.files) is not None:
        pid = found.process.pid if found.process else ""
        print(f"It did not stop within {STOP_PATIENCE:.0f} s; its process id is {pid}.", file=sys.stderr)
        return 1
    print("Stopped.")
    return 0


def logs(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints the end of the logs, and with -f new lines as they come."""
    files = settings.files
    paths = {"llm": files.llm_log, "app": files.app_log, "tools": files.tools_log}
    wanted = [paths[chosen.which]] if chosen.which else list(paths.values())
    view = LogView(Console(highlight=False), labelled=not chosen.which)
    for path in wanted:
        for line in tail(path, chosen.lines):
            view.show(path.stem, line)
    if chosen.follow:
        with contextlib.suppress(KeyboardInterrupt):
            for path, line in follow(wanted, time.sleep):
                view.show(path.stem, line)
    return 0


def _plan(settings: Settings) -> LaunchPlan | None:
    """The launched plan; None before the first launch, or if another version wrote one that we can't read."""
    try:
        return LaunchPlan.read(settings.files.plan)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(prog="./start.sh", description="Kimi-VL Chat: a vision-language chat of your own.")
    words = top.add_subparsers(dest="word", required=True, metavar="WORD")

    def word(name: str, run: object, text: str) -> argparse.ArgumentParser:
        added = words.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    word("up", lambda settings, _: up(settings), "start the engine and the page (the default)")
    word("status", status, "report the status").add_argument("--json", action="store_true", help="as JSON")
    word("stop", stop, "stop the engine and the page")
    log = word("logs", logs, "print the end of the logs")
    log.add_argument(
        "which", nargs="?", choices=["llm", "app", "tools"], help="only the log of the engine, the page or the tools"
    )
    log.add_argument("-f", "--follow", action="store_true", help="print new lines as they come")
    log.add_argument("-n", "--lines", type=int, default=50, help="how many of the last lines (50)")
    plan_command.arguments(word("plan", plan_command.run, "show what would run here, or on another machine"))
    backup.add_backup(word("backup", backup.back_up, "copy chats, pictures, people and keys into DIR"))
    backup.add_restore(word("restore", backup.bring_back, "restore a backup from DIR"))
    examine = word("doctor", doctor_command, "check the installation and say how to fix what is broken")
    examine.add_argument("--json", action="store_true", help="as JSON")
    tools = word("tools", tools_command, "list the tools of workspace/mcp.json and say what is wrong, or call one")
    tools.add_argument("--call", nargs=2, metavar=("NAME", "JSON"), help="call a tool with these arguments")
    bench_command.arguments(word("bench", bench_command.run, "measure the running engine: throughput and latency"))
    word("prove", prove.run, "show with a tiny model that this machine's engine works, before a large one is fetched")
    verify_command.arguments(word("verify", verify_command.run, "check that an engine does what this chat needs"))
    eval_command.arguments(word("eval", evaluate, "measure how often the running engine is right"))
    user.add_arguments(word("user", user.run, "manage who may sign in to a page that others can reach"))
    key.add_arguments(word("key", key.run, "manage which programs may use the API"))
    return top
