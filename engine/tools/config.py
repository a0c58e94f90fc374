"""`workspace/mcp.json`: which tool servers there are, in the form that other MCP clients use.

The owner of the installation writes it; a browser can't. An error names the line and the key in one sentence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config import ROOT
from engine.env_file import env_values
from engine.formats.json_lines import keys_with_lines
from engine.status import Reason, Value
from engine.tools.shared import LONGEST_SECONDS
from engine.wording import sentence

_MOST_BYTES = 256 * 1024
_MOST_SERVERS = 32
_TOP = "mcpServers"
_NAME = re.compile(r"(?=.{1,32}$)[A-Za-z0-9]+([_-][A-Za-z0-9]+)*")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_STDIO = {"stdio"}
_HTTP = {"http", "streamable-http", "streamableHttp"}


class ToolsConfigError(Exception):
    """mcp.json can't be used; `reason` says where and why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(sentence(reason))
        self.reason = reason


@dataclass(frozen=True)
class Entry:
    """One tool server: a program with `command`, or an address with `url`; values have their variables filled in."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    seconds: float = 60.0
    """How long one call may take."""
    read_only_unasked: bool = False
    """Whether tools that the server calls read-only run without a question to the user."""


def read_config(path: Path, environment: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
    """The servers of the file that are not disabled; none if there is no file.

    `environment` has the values of `${VAR}`; None: the process's own, and those of `.env`.

    Raises:
        ToolsConfigError: the file is not as it must be, or `.env` is not.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ToolsConfigError(Reason("tools_too_large", {"file": path.name, "kilobytes": _MOST_BYTES // 1024}))
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ToolsConfigError(Reason("tools_unreadable", {"file": path.name, "error": str(error.strerror)})) from None
    except UnicodeDecodeError:
        raise ToolsConfigError(Reason("tools_not_utf8", {"file": path.name})) from None
    try:
        raw = json.loads(text)
        json.dumps(raw, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise _no_json(path, error.lineno, error.msg) from None
    except UnicodeEncodeError:
        raise _no_json(path, 1, "half of a surrogate pair") from None
    except ValueError:
        raise _no_json(path, 1, "a number has too many digits") from None
    except RecursionError:
        raise _no_json(path, 1, "nested too deeply") from None
    return _Reader(path.name, text, environment if environment is not None else _environment()).servers(raw)


def _no_json(path: Path, line: int, problem: str) -> ToolsConfigError:
    return ToolsConfigError(Reason("tools_no_json", {"file": path.name, "line": line, "problem": problem}))


def _environment() -> Mapping[str, str]:
    path = ROOT / ".env"
    try:
        given = env_values(path)
    except UnicodeDecodeError:
        raise ToolsConfigError(Reason("tools_not_utf8", {"file": path.name})) from None
    except OSError as error:
        raise ToolsConfigError(Reason("tools_unreadable", {"file": path.name, "error": str(error.strerror)})) from None
    return {name: value for name, value in given.items() if value is not None} | dict(os.environ)


class _Reader:
    """Checks one file's values."""

    def __init__(self, file: str, text: str, environment: Mapping[str, str]) -> None:
        self._file = file
        self._environment = environment
        self._lines: dict[tuple[str | int, ...], int] = {}
        for path, line in keys_with_lines(text):
            if path in self._lines:
                raise self._wrong("tools_key_twice", path, line)
            self._lines[path] = line

    def servers(self, raw: object) -> tuple[Entry, ...]:
        if not isinstance(raw, dict) or set(raw) != {_TOP} or not isinstance(raw[_TOP], dict):
            raise self._wrong("tools_top", (), 1)
        servers = raw[_TOP]
        if len(servers) > _MOST_SERVERS:
            raise self._wrong("tools_too_many", (_TOP,), most=_MOST_SERVERS)
        found = [self._server(name, fields) for name, fields in servers.items()]
        return tuple(entry for entry in found if entry is not None)

    def _server(self, name: str, fields: object) -> Entry | None:
        path = (_TOP, name)
        if not _NAME.fullmatch(name):
            raise self._wrong("tools_name", path)
        if not isinstance(fields, dict):
            raise self._wrong("tools_not_table", path)
        for key, value in fields.items():
            if key not in _FIELDS:
                raise self._wrong("tools_key_unknown", (*path, key), known=", ".join(_FIELDS))
            problem, allowed = _FIELDS[key]
            if not allowed(value):
                raise self._wrong(problem, self._deepest((*path, key), value, allowed))
        if fields.get("disabled"):
            return None
        given = {key: self._filled((*path, key), value) for key, value in fields.items()}
        if ("command" in given) == ("url" in given):
            raise self._wrong("tools_command_or_url", path)
        if given.get("type", "stdio" if "command" in given else "http") not in (
            _STDIO if "command" in given else _HTTP
        ):
            raise self._wrong("tools_type", (*path, "type"))
        if "url" in given and not re.match(r"https?://[^\s/]", given["url"]):
            raise self._wrong("tools_not_url", (*path, "url"))
        return Entry(
            name=name,
            command=given.get("command", ""),
            args=tuple(given.get("args", ())),
            env=given.get("env", {}),
            url=given.get("url", ""),
            headers=given.get("headers", {}),
            seconds=float(given.get("timeout", Entry.seconds)),
            read_only_unasked=given.get("readOnlyUnasked", False),
        )

    def _deepest(
        self, path: tuple[str | int, ...], value: object, allowed: Callable[[Any], bool]
    ) -> tuple[str | int, ...]:
        """The path of the first wrong entry of a list or table, else that of the value itself."""
        if allowed is _is_texts and isinstance(value, list):
            return (*path, next(n for n, one in enumerate(value) if not isinstance(one, str)))
        if allowed is _is_text_table and isinstance(value, dict):
            return (*path, next(key for key, one in value.items() if not isinstance(one, str)))
        return path

    def _filled(self, path: tuple[str | int, ...], value: Any) -> Any:
        """The value with each `${VAR}` replaced by the variable's value."""
        if isinstance(value, list):
            return [self._filled((*path, n), one) for n, one in enumerate(value)]
        if isinstance(value, dict):
            return {key: self._filled((*path, key), one) for key, one in value.items()}
        if not isinstance(value, str):
            return value

        def replacement(match: re.Match[str]) -> str:
            name, otherwise = match.groups()
            found = self._environment.get(name, otherwise)
            if found is None:
                raise self._wrong("tools_no_variable", path, variable=name)
            return found

        return _VARIABLE.sub(replacement, value)

    def _wrong(self, key: str, path: tuple[str | int, ...], line: int = 0, **values: Value) -> ToolsConfigError:
        where: dict[str, Value] = {
            "file": self._file,
            "line": line or self._lines.get(path, 1),
            "key": ".".join(map(str, path)),
        }
        return ToolsConfigError(Reason(key, {**where, **values}))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_text_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _is_switch(value: object) -> bool:
    return isinstance(value, bool)


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= LONGEST_SECONDS


_FIELDS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "type": ("tools_not_text", _is_text),
    "command": ("tools_not_text", _is_text),
    "args": ("tools_not_texts", _is_texts),
    "env": ("tools_not_text_table", _is_text_table),
    "url": ("tools_not_text", _is_text),
    "headers": ("tools_not_text_table", _is_text_table),
    "timeout": ("tools_not_seconds", _is_seconds),
    "disabled": ("tools_not_switch", _is_switch),
    "readOnlyUnasked": ("tools_not_switch", _is_switch),
}
"""The keys of a server: the sentence for a wrong value, and what is right."""
