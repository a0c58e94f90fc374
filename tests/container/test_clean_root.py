"""The steps of the Dockerfile's `cpu` target run in a fresh Debian, and the product starts in it."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.config import ROOT
from tests.container.dockerfile import Build, context_without_ignored, stages
from tests.instruments.ports import free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.geteuid() != 0, reason="a clean root needs the rights of root"),
    pytest.mark.skipif(shutil.which("debootstrap") is None, reason="needs debootstrap (apt-get install debootstrap)"),
]

# Instead of python:3.11-slim-bookworm: the same Debian with its own Python 3.11.
DEBIAN = ("--variant=minbase", "--include=ca-certificates,python3,python3-venv", "bookworm")
REACHES_REGISTRIES = re.compile(r"^(https?_proxy|no_proxy|PIP_|UV_|SSL_CERT|REQUESTS_CA)", re.IGNORECASE)
PATIENCE = 300.0


@pytest.fixture(scope="module")
def clean_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh Debian with /proc and /dev."""
    root = tmp_path_factory.mktemp("debian")
    subprocess.run(["debootstrap", *DEBIAN, str(root), "http://deb.debian.org/debian"], check=True, timeout=1800)
    root.chmod(0o755)  # the tests' own folders are for root alone
    # What this machine needs to reach the registries: names, certificates, and apt's settings.
    for path in ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt"):
        shutil.copyfile(path, root / path.lstrip("/"))
    shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
    mounts = [(["-t", "proc", "proc"], root / "proc"), (["--rbind", "/dev"], root / "dev")]
    for options, place in mounts:
        subprocess.run(["mount", *options, str(place)], check=True, timeout=60)
    subprocess.run(["mount", "--make-rslave", str(root / "dev")], check=True, timeout=60)
    yield root
    for _, place in mounts:
        subprocess.run(["umount", "--recursive", "--lazy", str(place)], check=True, timeout=60)


@pytest.fixture(scope="module")
def built(clean_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The `cpu` target."""
    context = context_without_ignored(ROOT, tmp_path_factory.mktemp("context"))
    outside = {name: value for name, value in os.environ.items() if REACHES_REGISTRIES.match(name)}
    build = Build(clean_root, context, outside)
    build.carry_out(stages(ROOT / "Dockerfile")["cpu"])
    return build


def test_the_product_starts_as_an_ordinary_user_and_prints_its_password(built: Build, tmp_path: Path) -> None:
    port, engine_port = free_port(), free_port()
    settings = {"KIMI_PORT": str(port), "KIMI_ENGINE_PORT": str(engine_port)}
    output = tmp_path / "output"
    with output.open("wb") as out:
        process = subprocess.Popen(built.command(built.entrypoint, **settings), stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: healthy(built, settings), output)
        wait_for(lambda: "engine (reader): ready" in output.read_text(), output)
        said = output.read_text()
        assert re.search(rf"http://127\.0\.0\.1:{port} \(password: \S+\)", said), said
        assert (built.root / "workspace/run/status.json").stat().st_uid == 1000
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not healthy(built, settings)


def healthy(built: Build, settings: dict[str, str]) -> bool:
    """What Docker asks with the image's HEALTHCHECK."""
    return (
        subprocess.run(built.command(built.healthcheck, **settings), capture_output=True, check=False).returncode == 0
    )


def wait_for(condition: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        said = output.read_text()
        assert time.monotonic() < deadline, said
        assert "failed" not in said
        time.sleep(0.5)
