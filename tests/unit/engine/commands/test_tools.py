"""`./start.sh tools` when things go wrong."""

import argparse
import asyncio
from pathlib import Path

import pytest

from engine.commands import tools
from engine.config import Settings
from engine.tools.host import Host


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(_env_file=None, workspace=tmp_path)
    made.files.tool_servers.write_text('{"mcpServers": {}}')
    return made


async def test_a_host_that_fails_ends_the_command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: Host) -> None:
        raise OSError("no more files")

    monkeypatch.setattr(Host, "run", fails)
    with pytest.raises(OSError, match="no more files"):
        async with asyncio.timeout(30):
            await tools._with_servers(settings, "", {})


def test_arguments_that_are_nested_too_deeply_are_refused(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tools.run(settings, argparse.Namespace(call=["a__b", "[" * 100_000])) == 2
    assert "not JSON" in capsys.readouterr().err
