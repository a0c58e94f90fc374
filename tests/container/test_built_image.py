"""The image as buildah builds it: unprivileged, on a read-only root, over a volume that outlives it.

What only Docker itself can show stays open: its networks, its own health checks and restarts, GPUs.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.config import ROOT
from tests.instruments.ports import free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a build without Docker needs the rights of root"),
    pytest.mark.skipif(
        not (shutil.which("debootstrap") and shutil.which("buildah")),
        reason="needs debootstrap and buildah (apt-get install debootstrap buildah)",
    ),
]

BASE = "docker.io/library/python:3.11-slim-bookworm"
"""Instead of Docker's: the same Debian with its own Python 3.11, under the same name."""
DEBIAN = ("--variant=minbase", "--include=ca-certificates,python3,python3-venv", "bookworm")
REACHES_REGISTRIES = re.compile(r"^(https?_proxy|no_proxy|PIP_|UV_|SSL_CERT|REQUESTS_CA)", re.IGNORECASE)
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
PATIENCE = 300.0
STOP_SECONDS = 10.0
"""After which `docker stop` kills."""


@dataclass(frozen=True)
class Image:
    """Its files, and what it says of how it runs."""

    root: Path
    config: dict[str, Any]


def test_it_runs_unprivileged_on_a_read_only_root_and_stops_when_it_is_told(image: Image, tmp_path: Path) -> None:
    assert image.config["User"] == "1000"
    volume = volume_in(tmp_path)
    with container(image, volume, tmp_path / "output") as (process, settings):
        said = (tmp_path / "output").read_text()
        assert re.search(rf"http://127\.0\.0\.1:{settings['KIMI_PORT']}\b.* \(password: \S+\)", said), said
        assert (volume / "run/status.json").stat().st_uid == 1000
        assert inside(process, image, ["touch", "/app/file"], settings).returncode != 0
        assert inside(process, image, health(image), settings).returncode == 0
        assert b"recogniser is ready" in inside(process, image, ["cat", "/workspace/llm.log"], settings).stdout
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert time.monotonic() - began < STOP_SECONDS


def test_a_newer_container_goes_on_with_the_volume(image: Image, tmp_path: Path) -> None:
    volume = volume_in(tmp_path)
    found = []
    for number in range(2):
        with container(image, volume, tmp_path / f"output{number}") as (process, settings):
            added = inside(process, image, ["./start.sh", "user", "list"], settings)
            assert added.returncode == 0, added.stdout + added.stderr
            found.append(((volume / "run/password").read_text(), (volume / "chat.db").stat().st_ino))
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert found[0] == found[1]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The `cpu` target."""
    folder = tmp_path_factory.mktemp("image")
    store = ("--storage-driver", "vfs", "--root", str(folder / "store"), "--runroot", str(folder / "run"))

    def buildah(*arguments: str) -> str:
        done = subprocess.run(
            ["buildah", *store, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1800
        )
        assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout.strip()

    made = buildah("from", "scratch")
    buildah("add", made, str(debian(folder / "debian")), "/")
    outside = {name: value for name, value in os.environ.items() if REACHES_REGISTRIES.match(name)}
    for name, value in (outside | {"SSL_CERT_FILE": CERTIFICATES}).items():
        buildah("config", "--env", f"{name}={value}", made)
    buildah("commit", made, BASE)
    buildah(
        "bud",
        "--isolation",
        "chroot",
        "--pull-never",
        "--format",
        "docker",
        "--target",
        "cpu",
        "-t",
        "kimi-vl-chat",
        ".",
    )
    root = Path(buildah("mount", buildah("from", "--pull-never", "kimi-vl-chat")))
    return Image(root, json.loads(buildah("inspect", "--type", "image", "kimi-vl-chat"))["Docker"]["config"])


def debian(root: Path) -> Path:
    """A fresh Debian that reaches the registries as this machine does: names, certificates, and apt's settings."""
    subprocess.run(
        ["debootstrap", *DEBIAN, str(root), "http://deb.debian.org/debian"],
        check=True, capture_output=True, timeout=1800,
    )  # fmt: skip
    root.chmod(0o755)
    for path in ("/etc/resolv.conf", "/etc/hosts", CERTIFICATES):
        shutil.copyfile(path, root / path.lstrip("/"))
    shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
    return root


def volume_in(folder: Path) -> Path:
    """An empty volume of the image's user."""
    volume = folder / "volume"
    volume.mkdir()
    os.chown(volume, 1000, 1000)
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == 0 and parent.stat().st_mode & 0o077 == 0:
            parent.chmod(0o711)
    return volume


@contextmanager
def container(image: Image, volume: Path, output: Path) -> Iterator[tuple["subprocess.Popen[bytes]", dict[str, str]]]:
    """The image's entry point in mounts of its own, once its engine is ready."""
    settings = {"KIMI_PORT": str(free_port()), "KIMI_ENGINE_PORT": str(free_port())}
    root = image.root
    mounts = [
        ["mount", "--make-rprivate", "/"],
        ["mount", "--bind", root, root],
        ["mount", "-o", "remount,bind,ro", root],
        ["mount", "-t", "proc", "proc", root / "proc"],
        ["mount", "--rbind", "/dev", root / "dev"],
        ["mount", "-t", "tmpfs", "tmpfs", root / "tmp"],
        ["mount", "--bind", volume, root / "workspace"],
    ]
    steps = "; ".join(" ".join(map(str, step)) for step in mounts)
    entry = command(image, image.config["Entrypoint"], settings)
    with output.open("wb") as out:
        process = subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", f'{steps}; exec "$@"', "sh", *entry],
            stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_for(lambda: "engine (reader): ready" in output.read_text() and "password" in output.read_text(), output)
        yield process, settings
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


def command(image: Image, argv: Sequence[str], settings: dict[str, str]) -> list[str]:
    """The command line that runs `argv` as the image's user with its environment."""
    env = [*image.config["Env"], "HOME=/home/kimi", "TINI_SUBREAPER=1", *(f"{k}={v}" for k, v in settings.items())]
    user = image.config["User"]
    inside = f'cd {image.config["WorkingDir"]} && exec "$@"'
    return [
        "chroot", f"--userspec={user}:{user}", str(image.root), "env", "-i", *env, "sh", "-c", inside, "sh", *argv
    ]  # fmt: skip


def inside(
    process: "subprocess.Popen[bytes]", image: Image, argv: Sequence[str], settings: dict[str, str]
) -> "subprocess.CompletedProcess[bytes]":
    """Runs a command in the running container, as `docker exec` does."""
    enter = ["nsenter", f"--target={process.pid}", "--mount"]
    return subprocess.run([*enter, *command(image, argv, settings)], capture_output=True, check=False, timeout=120)


def health(image: Image) -> list[str]:
    """The command of the HEALTHCHECK."""
    kind, *argv = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"
    return argv


def wait_for(condition: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        said = output.read_text()
        assert time.monotonic() < deadline, said
        assert "failed" not in said, said
        time.sleep(0.5)
