"""The proxy of a request to a server elsewhere, and its address without secrets."""

import pytest

from engine.system.outgoing import has_credentials, masked, proxy_for


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http", "https", "all", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)


def test_the_environments_proxy_is_that_of_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://example.org/v1") is None
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "localhost,.inside.example")
    assert proxy_for("https://example.org/v1") == "http://proxy:3128"
    assert proxy_for("http://example.org/v1") is None
    assert proxy_for("https://a:b@chat.inside.example:8000/v1") is None
    assert proxy_for("localhost:8000/v1") is None
    assert proxy_for("https://[half/v1") is None
    monkeypatch.setenv("https_proxy", "socks5://proxy:1080")
    assert proxy_for("https://example.org/v1") is None


def test_no_part_of_a_password_is_shown() -> None:
    assert masked("http://anna:se@cret@host:1/v1") == "http://host:1/v1"
    assert masked("see http://anna:secret@host/v1, or mail to a@b") == "see http://host/v1, or mail to a@b"
    assert masked("http://host/@here") == "http://host/@here"


def test_credentials_are_those_before_the_host() -> None:
    assert has_credentials("http://anna@host/v1")
    assert not has_credentials("http://host/@here")
