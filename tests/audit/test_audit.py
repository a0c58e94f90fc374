"""No locked package has a known vulnerability, unless an exception gives a reason and an expiry date."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.audit.audit import OSV, SETS, NoToolError, audit, exceptions, requirements

VULNERABLE = "jinja2"


class FakeOsv(BaseHTTPRequestHandler):
    """Knows one vulnerability, in every version of one package."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = asked["package"]["name"]
        affected = {"package": {"name": name, "ecosystem": "PyPI"}, "versions": [asked["version"]], "ranges": []}
        known = {
            "id": "PYSEC-0000-1",
            "summary": "made up",
            "published": "2020-01-01T00:00:00Z",
            "affected": [affected],
        }
        body = json.dumps({"vulns": [known]} if name == VULNERABLE else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fake_osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeOsv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audited(file: Path, ignored: list[str], service: str = OSV) -> subprocess.CompletedProcess[str]:
    try:
        return audit(file, ignored, service)
    except NoToolError as error:
        pytest.skip(f"pip-audit can't be had on this machine, so that nothing was audited: {error}")


@pytest.mark.parametrize("name", SETS)
def test_no_locked_package_is_known_to_be_vulnerable(name: str, tmp_path: Path) -> None:
    try:
        urllib.request.urlopen(OSV.rpartition("/")[0], timeout=10).close()
    except urllib.error.HTTPError as error:
        error.close()
    except OSError as error:
        pytest.skip(f"{OSV} can't be reached from this machine, so that nothing was audited: {error}")
    ended = audited(requirements(name, tmp_path), exceptions(datetime.now(UTC).date()))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_vulnerable_package_is_found_unless_it_is_excepted(tmp_path: Path, fake_osv: str) -> None:
    file = tmp_path / "one.txt"
    whole = requirements("page", tmp_path).read_text()
    entry = whole[whole.index(f"\n{VULNERABLE}==") + 1 :].split("\n    # via")[0]
    file.write_text(entry + "\n")
    ended = audited(file, [], fake_osv)
    assert ended.returncode == 1
    assert "PYSEC-0000-1" in ended.stdout
    assert audited(file, ["PYSEC-0000-1"], fake_osv).returncode == 0


def test_every_set_has_its_packages_with_hashes(tmp_path: Path) -> None:
    for name, package in (("page", "chainlit"), ("vllm", "vllm")):
        text = requirements(name, tmp_path).read_text()
        assert f"\n{package}==" in text
        assert text.count("==") <= text.count("--hash=sha256:")


def test_an_exception_has_its_day_and_its_reason(tmp_path: Path) -> None:
    exceptions(datetime.now(UTC).date())
    file = tmp_path / "exceptions.toml"
    file.write_text('[[exception]]\nid = "X"\nuntil = 2026-03-01\nreason = "It is in a part that is not used here."\n')
    assert exceptions(date(2026, 3, 1), file) == ["X"]
    assert exceptions(date(2026, 3, 2), file) == [], "afterwards it counts again"
    file.write_text('[[exception]]\nid = "X"\nuntil = 2026-03-01\n')
    with pytest.raises(ValueError, match="reason"):
        exceptions(date(2026, 1, 1), file)
