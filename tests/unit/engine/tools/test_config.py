"""mcp.json: what is right, and where it is wrong."""

import json
from pathlib import Path

import pytest

from engine.tools.config import ToolsConfigError, read_config
from engine.wording import sentence

GOOD = """{
  "mcpServers": {
    "files": {
      "command": "npx",
      "args": ["-y", "server-filesystem", "${FOLDER}"],
      "env": {"LEVEL": "${LEVEL:-info}"},
      "readOnlyUnasked": true
    },
    "search": {
      "type": "http",
      "url": "https://example.org/mcp",
      "headers": {"Authorization": "Bearer ${TOKEN}"},
      "timeout": 5
    },
    "off": {"command": "none", "env": {"KEY": "${NOT_THERE}"}, "disabled": true}
  }
}"""


def test_programs_and_addresses_are_read_with_their_variables(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(GOOD)
    files, search = read_config(path, {"FOLDER": "/srv", "TOKEN": "t0p"})
    assert (files.command, files.args, files.env) == ("npx", ("-y", "server-filesystem", "/srv"), {"LEVEL": "info"})
    assert files.read_only_unasked
    assert (search.url, search.headers, search.seconds) == (
        "https://example.org/mcp", {"Authorization": "Bearer t0p"}, 5.0,
    )  # fmt: skip
    assert "t0p" not in repr(search)


def test_without_a_file_there_are_no_servers(tmp_path: Path) -> None:
    assert read_config(tmp_path / "mcp.json", {}) == ()


def servers(**entries: object) -> str:
    return json.dumps({"mcpServers": entries}, indent=1)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('{"mcpServers":\n{"a": {"command": "x",}}}', 2, "not JSON"),
        ("[]", 1, "mcpServers"),
        ('{"mcpServers": {\n"a": {"command": "x"},\n"a": {"command": "y"}}}', 3, "mcpServers.a is there twice"),
        (servers(a={"comand": "x"}), 4, "mcpServers.a.comand is not known"),
        (servers(a__b={"command": "x"}), 3, "mcpServers.a__b"),
        (servers(a=1), 3, "mcpServers.a must be an object"),
        (servers(a={"command": ""}), 4, "mcpServers.a.command must be a text"),
        (servers(a={"command": "x", "args": ["y", 2]}), 7, "mcpServers.a.args.1 must be a text"),
        (servers(a={"command": "x", "env": {"PORT": 1}}), 6, "mcpServers.a.env.PORT must be a text"),
        (servers(a={"command": "x", "timeout": 0}), 5, "mcpServers.a.timeout"),
        (servers(a={"command": "x", "disabled": "no"}), 5, "mcpServers.a.disabled must be true or false"),
        (servers(a={}), 3, "either command"),
        (servers(a={"command": "x", "url": "http://y"}), 3, "either command"),
        (servers(a={"url": "file:///etc"}), 4, "http://"),
        (servers(a={"url": "http://y", "type": "sse"}), 5, "sse"),
        (servers(a={"command": "x", "env": {"KEY": "${NOT_THERE}"}}), 6, "NOT_THERE"),
    ],
)
def test_an_error_names_line_and_key_in_one_sentence(tmp_path: Path, text: str, line: int, says: str) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text)
    with pytest.raises(ToolsConfigError) as caught:
        read_config(path, {})
    assert says in str(caught.value)
    assert caught.value.reason.values.get("line", 1) == line
    assert "\n" not in str(caught.value)


DIGITS = (b'{"mcpServers": {"a": {"command": "x", "timeout": ' + b"9" * 5000 + b"}}}", "too many digits")
HALF = (rb'{"mcpServers": {"a": {"command": "x", "\ud800": 1}}}', "surrogate")
"""A sentence with half a pair could not be written to the log."""


def test_settings_that_are_not_utf8_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.tools.config.ROOT", tmp_path)
    (tmp_path / ".env").write_bytes(b"TITLE=caf\xe9\n")
    (tmp_path / "mcp.json").write_text(servers(a={"command": "x"}))
    with pytest.raises(ToolsConfigError) as raised:
        read_config(tmp_path / "mcp.json")
    assert sentence(raised.value.reason).startswith(".env is not UTF-8")


def test_a_file_that_is_too_large_or_no_text_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    for data, says in ((b" " * 300_000, "256 kB"), (b"\xff\xfe{", "UTF-8"), (b"[" * 100_000, "not JSON"), DIGITS, HALF):
        path.write_bytes(data)
        with pytest.raises(ToolsConfigError, match=says):
            read_config(path, {})
