"""`./start.sh doctor`: checks everything that an installation needs, and says how to fix what is broken.

start.sh has checked Python and `.venv` itself before this runs. The checks are independent, and none of them raises.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import hashlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from engine import processes
from engine.catalog import find_model
from engine.commands.settings_notes import settings_notes
from engine.config import ROOT, Settings
from engine.engines.choice import make_plan
from engine.engines.registry import engine_of
from engine.formats import fallback_font
from engine.install.weights import Missing, WeightsError, find_weights
from engine.machine.detect import Hardware, detect
from engine.machine.open_files import possible
from engine.machine.vendor import GIB
from engine.measure.proof.record import Outcome
from engine.plans.launch import PlanError
from engine.supervise import control
from engine.supervise.elsewhere import Elsewhere
from engine.system import missing_fonts
from engine.wording import sentence

State = Literal["ok", "warning", "broken"]
LITTLE_DISK, TOO_LITTLE_DISK = 5 * GIB, GIB // 2
FEW_FILES = 1024
"""Each chat holds a few sockets and files open."""


@dataclass(frozen=True)
class Finding:
    """What one check found; `advice` is the next step if it is not ok."""

    check: str
    state: State
    what: str
    advice: str = ""


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Prints the findings; returns 1 if something is broken."""
    found = examine(settings, detect())
    if chosen.json:
        print(json.dumps([asdict(finding) for finding in found]))
    else:
        for finding in found:
            print(f"{finding.state:8} {finding.check:12} {finding.what}")
            if finding.advice:
                print(f"{'':21} → {finding.advice}")
    return 1 if any(finding.state == "broken" for finding in found) else 0


def examine(settings: Settings, hardware: Hardware) -> list[Finding]:
    """Runs all checks, in the order in which to fix what they find."""
    checks: list[Callable[[], list[Finding]]] = [
        python,
        lambda: environment(ROOT),
        lambda: fonts(settings),
        lambda: engine_environment(settings, hardware),
        lambda: [Finding("settings", "warning", note) for note in settings_notes(settings)],
        lambda: workspace(settings),
        lambda: disk(settings),
        lambda: ports(settings),
        lambda: server(settings),
        lambda: open_files(possible(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        lambda: machine(hardware),
        lambda: weights(settings, hardware),
        lambda: proof(settings, hardware),
        lambda: database(settings),
    ]
    return [finding for check in checks for finding in _tried(check)]


def _tried(check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except OSError as error:
        what = f"A check failed: {error}."
        return [Finding("access", "broken", what, "Give this user the right to read there, or start as its owner.")]


def python(version: tuple[int, ...] = sys.version_info[:3]) -> list[Finding]:
    """The Python that runs the product."""
    what = ".".join(map(str, version[:3]))
    if (3, 11) <= version[:2] < (3, 14):
        return [Finding("python", "ok", what)]
    return [Finding("python", "broken", what, "Install Python 3.11, 3.12 or 3.13 and delete .venv; then ./start.sh.")]


def environment(root: Path) -> list[Finding]:
    """Whether `.venv` matches uv.lock."""
    advice = "Delete .venv and run ./start.sh prepare."
    digest = hashlib.sha256((root / "uv.lock").read_bytes() + (root / "engine" / "uv.txt").read_bytes()).hexdigest()
    stamp = root / ".venv" / "prepared"
    if not stamp.exists() or not stamp.read_text().startswith(digest):
        return [Finding("packages", "broken", ".venv is incomplete, or was made for another uv.lock.", advice)]
    command = [sys.executable, "-m", "uv", "sync", "--project", str(root), "--frozen", "--offline", "--check",
               "--inexact", "--extra", "page", "--extra", "reader", "--extra", "hub", "--extra", "measure"]  # fmt: skip
    env = os.environ | {"UV_PROJECT_ENVIRONMENT": str(root / ".venv"), "UV_PYTHON_DOWNLOADS": "never"}
    try:
        ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own
    except (OSError, subprocess.TimeoutExpired) as error:
        return [Finding("packages", "broken", f"uv can't be run: {error}", advice)]
    if ended.returncode:
        differs = [line.strip() for line in ended.stderr.splitlines() if line.strip().startswith(("+", "-", "~"))]
        return [Finding("packages", "broken", f".venv differs from uv.lock: {', '.join(differs[:3])}", advice)]
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("chainlit", "pillow", "uv"))
    return [Finding("packages", "ok", f"as uv.lock says ({versions})")]


def fonts(settings: Settings) -> list[Finding]:
    """Whether PDFs can be drawn whose Chinese font is not in them, and which fonts those sent here lacked."""
    if fallback_font.folder():
        found = [Finding("fonts", "ok", f"{fallback_font.TITLE} for PDFs that don't embed their Chinese font")]
    else:
        what = "The fallback font is missing: PDFs that don't embed their Chinese font lose that text."
        found = [Finding("fonts", "warning", what, "Run ./start.sh prepare.")]
    if names := missing_fonts.noted(settings.files.missing_fonts):
        what = f"PDFs sent here name fonts that are neither in them nor on this machine: {', '.join(names)}."
        advice = "Install them below /usr/share/fonts, or ask for PDFs that embed them; their text is not drawn."
        found.append(Finding("fonts", "warning", what, advice))
    return found


def engine_environment(settings: Settings, hardware: Hardware, root: Path = ROOT) -> list[Finding]:
    """Whether the engine's own environment is complete, if the next start will use it."""
    try:
        plan = make_plan(settings, hardware)
    except PlanError:
        return []
    environment, build, name = engine_of(plan.engine).environment, plan.environment, plan.engine
    if environment is None or not build:
        return []
    if environment.is_ready(root, build, settings):
        return [Finding(name, "ok", f"{environment.folder} is complete ({build})")]
    if (root / environment.folder).exists():
        return [Finding(name, "warning", f"{environment.folder} is incomplete, or of another version.",
                        "The next start makes it again; it takes minutes and gigabytes.")]  # fmt: skip
    what = f"{plan.traits.title} is not installed yet."
    return [Finding(name, "warning", what, "The next start installs it; it takes minutes.")]


def workspace(settings: Settings) -> list[Finding]:
    """Whether the workspace is writable and private."""
    files = settings.files
    root = _existing(files.root)
    try:
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(b"x" * 4096)
    except OSError as error:
        # Never change the owner of a parent folder, which is not ours.
        owned = (
            f"chown -R {os.getuid()} {root}"
            if root == files.root
            else f"mkdir -p {files.root} && chown {os.getuid()} {files.root}"
        )
        advice = (
            "Make room on its disk." if error.errno == errno.ENOSPC else f"As root: {owned}; or set KIMI_WORKSPACE."
        )
        return [Finding("workspace", "broken", f"{root} can't be written: {error.strerror}.", advice)]
    for path in (*files.run.glob("*.key"), files.password, files.auth_secret, files.root, files.uploads, files.run):
        if path.exists() and path.stat().st_mode & 0o077:
            # The next start makes a folder private; a secret that others could read is no longer secret.
            state: State = "warning" if path.is_dir() else "broken"
            return [Finding("workspace", state, f"{path} can be read by others.", f"chmod go= '{path}'")]
    return [Finding("workspace", "ok", str(files.root))]


def disk(settings: Settings) -> list[Finding]:
    """Room for pictures, chats and logs."""
    root = _existing(settings.workspace)
    free = shutil.disk_usage(root).free
    what = f"{free / 1e9:.1f} GB are free in {root}"
    if free < TOO_LITTLE_DISK:
        return [Finding("disk", "broken", what, "Make room, or choose another folder (KIMI_WORKSPACE).")]
    if free < LITTLE_DISK:
        return [Finding("disk", "warning", what, "A smaller KIMI_UPLOAD_DAYS deletes old pictures sooner.")]
    return [Finding("disk", "ok", what)]


def ports(settings: Settings) -> list[Finding]:
    """Whether the two ports are free, or used by this installation."""
    if control.supervisor(settings.files) is not None:
        return [Finding("ports", "ok", f"Kimi-VL Chat runs here, at {settings.page_url}")]
    wanted = [(settings.host, settings.port, "KIMI_PORT")]
    if not settings.remote:
        wanted.append(("127.0.0.1", settings.engine_port, "KIMI_ENGINE_PORT"))
    found = []
    for host, port, key in wanted:
        if holder := processes.port_holder(host, port):
            advice = f"Stop it, or choose another port: {key}={port + 1} ./start.sh"
            found.append(Finding("ports", "broken", f"Port {port} is held by {holder}.", advice))
    return found or [Finding("ports", "ok", " and ".join(str(port) for _, port, _ in wanted) + " are free")]


def server(settings: Settings) -> list[Finding]:
    """Whether the server that `KIMI_ENGINE=openai` names answers, with this key and this model."""
    if not settings.remote:
        return []
    headers = {"Authorization": f"Bearer {os.environ.get('OPENAI_API_KEY', '')}"}
    there = Elsewhere(settings.openai_api_base.rstrip("/"), settings.model, headers)
    found = asyncio.run(there.look())
    if found is None:
        return [Finding("server", "ok", f"{there.address} answers, and has {settings.model}")]
    state: State = "warning" if found.key == "remote_no_model" else "broken"
    advice = "The settings are OPENAI_API_BASE, OPENAI_API_KEY and KIMI_MODEL."
    return [Finding("server", state, sentence(found), advice)]


def open_files(most: int, now: int) -> list[Finding]:
    """How many files and sockets a process may open: `most` after the start has raised it, `now` in this shell."""
    if most < FEW_FILES:
        advice = f"Many chats need more; as root, before the start: ulimit -Hn {FEW_FILES * 4}"
        return [Finding("open files", "warning", f"at most {most}", advice)]
    raised = f" (the start raises it from {now})" if 0 <= now < most else ""
    return [Finding("open files", "ok", f"up to {most}{raised}")]


def machine(hardware: Hardware) -> list[Finding]:
    """The accelerators and their drivers."""
    found = [Finding("driver", "warning", note, "Fix the driver, or use the CPU.") for note in hardware.notes]
    for device in hardware.accelerators:
        memory = f", {device.memory / GIB:.0f} GB" if device.memory else ""
        driver = f", driver {device.driver}" if device.driver else ""
        found.append(Finding("accelerator", "ok", f"{device.name}{memory}{driver}"))
    if not hardware.accelerators:
        found.append(Finding("accelerator", "ok", f"none; {hardware.cores} processor cores"))
    return found


def weights(settings: Settings, hardware: Hardware) -> list[Finding]:
    """What would run, and whether its weights are here."""
    try:
        plan = make_plan(settings, hardware)
        if not plan.weights:
            return [Finding("model", "ok", f"{plan.model} on {plan.engine}")]
        place = find_weights(find_model(plan.model), plan.weights, settings.models_folder, plan.variant)
    except (PlanError, WeightsError) as error:
        return [Finding("model", "broken", str(error), "./start.sh plan shows what runs here.")]
    if isinstance(place, Missing):
        gigabytes = sum(file.bytes for file in place.files) / 1e9 or find_model(plan.model).weights_gb or 0
        what = f"{plan.model} on {plan.engine}; its weights are not here yet."
        advice = f"The next start fetches {gigabytes:.4g} GB into {place.folder}."
        if plan.to_fetch and settings.download != "yes":
            advice = f"The reader answers until a download of {gigabytes:.4g} GB is allowed: KIMI_DOWNLOAD=yes."
        return [Finding("model", "warning", what, advice)]
    return [Finding("model", "ok", f"{plan.model} on {plan.engine}, weights in {place}")]


def proof(settings: Settings, hardware: Hardware) -> list[Finding]:
    """What `./start.sh prove` found on the engine that would run."""
    try:
        plan = make_plan(settings, hardware)
    except PlanError:
        return []
    if engine_of(plan.engine).proof is None:
        return []
    outcome = Outcome.read(settings.files.proof)
    if outcome is None or not outcome.concerns(plan):
        what = f"./start.sh prove shows in a minute whether {plan.traits.title} works here; it was not run yet."
        return [Finding("proof", "ok", what)]
    if outcome.passed:
        return [Finding("proof", "ok", str(outcome))]
    return [Finding("proof", "warning", str(outcome), "Run ./start.sh prove again, and see its output in prove.log.")]


def database(settings: Settings) -> list[Finding]:
    """Whether the chats can be read."""
    text = settings.database_url.get_secret_value()
    if not text:
        return [_sqlite(settings.files.chats)]
    from sqlalchemy import make_url  # noqa: PLC0415 - only where it is used
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
    except ArgumentError:
        advice = "Write it like postgresql://user:password@host/chats."
        return [Finding("chats", "broken", "KIMI_DATABASE_URL is not the address of a database.", advice)]
    match url.get_backend_name():
        case "sqlite":
            return [_sqlite(ROOT / (url.database or ""))]
        case "postgres" | "postgresql":
            return [asyncio.run(_postgres(url.set(drivername="postgresql").render_as_string(hide_password=False)))]
        case other:
            return [Finding("chats", "ok", f"in {other}, which is not checked")]


def _sqlite(path: Path) -> Finding:
    if not path.is_file():
        return Finding("chats", "ok", "none yet")
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as chats:
            [(said,)] = chats.execute("PRAGMA quick_check(1)").fetchall()
            number = chats.execute("SELECT count(*) FROM threads").fetchone()[0]
    except sqlite3.Error as error:
        said, number = str(error), 0
    if said != "ok":
        advice = f"Stop, move {path.name} and its -wal aside, or restore it from a copy, and start again."
        return Finding("chats", "broken", f"{path}: {said}", advice)
    return Finding("chats", "ok", f"{number} in {path}")


async def _postgres(url: str) -> Finding:
    import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 - only where it is used

    try:
        connection = await asyncpg.connect(url, timeout=10)
        await connection.close()
    except (OSError, ValueError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # Its text may contain the password.
        what = f"PostgreSQL can't be opened ({type(error).__name__})."
        return Finding("chats", "broken", what, "Check that it runs and that KIMI_DATABASE_URL is right.")
    return Finding("chats", "ok", "PostgreSQL answers")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(place for place in (folder, *folder.parents) if place.exists())
