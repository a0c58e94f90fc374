"""Under which address others reach the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Settings
from engine.machine import address
from engine.machine.address import address_for_others


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ""),
        ({"origins": "http://localhost:9000"}, ""),
        ({"origins": "https://chat.example.org/, https://b.example.org"}, "https://chat.example.org"),
        ({"host": "0.0.0.0", "origins": "https://chat.example.org"}, "https://chat.example.org"),
        ({"host": "192.0.2.7", "port": 9000}, "http://192.0.2.7:9000"),
        ({"host": "0.0.0.0", "port": 9000}, "http://192.0.2.2:9000"),
        ({"host": "::", "port": 9000}, "http://192.0.2.2:9000"),
    ],
)
def test_others_are_told_an_address_that_they_can_use(
    settings: dict[str, object], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "own_address", lambda: "192.0.2.2")
    monkeypatch.setattr(address, "_CONTAINERS", ())
    assert address_for_others(Settings(_env_file=None, **settings)) == expected


def test_none_is_told_in_a_container_and_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(_env_file=None, host="0.0.0.0")
    monkeypatch.setattr(address, "own_address", lambda: "")
    monkeypatch.setattr(address, "_CONTAINERS", ())
    assert address_for_others(settings) == ""
    monkeypatch.setattr(address, "own_address", lambda: "172.17.0.2")
    monkeypatch.setattr(address, "_CONTAINERS", (tmp_path,))
    assert address_for_others(settings) == ""
