"""Every setting, from the environment and `.env`, and the paths of the workspace."""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.env_file import ENCODING

ROOT = Path(__file__).resolve().parent.parent
"""The project's folder, which contains `start.sh`."""

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
AUTO = "auto"
"""`KIMI_ENGINE`: the best engine that this machine can run."""
_REMOTE = "openai"


class ConfigError(Exception):
    """A setting has a value that is not allowed; the text is one sentence for the user."""


class Settings(BaseSettings):
    """All settings. Each field is `KIMI_<NAME>` in the environment or in `.env`."""

    model_config = SettingsConfigDict(env_prefix="KIMI_", env_file_encoding=ENCODING, extra="ignore", frozen=True)

    engine: str = AUTO
    """`AUTO` or the name of an engine; `engine/engines/registry.py` knows them and checks it."""
    model: str = "Kimi-VL-A3B-Thinking"
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    engine_port: int = Field(8000, ge=1, le=65535)
    workspace: Path = Path("workspace")
    models: Path | None = None
    """Where downloaded weights go; None: `models` in the workspace."""
    hub: Literal["huggingface", "modelscope"] = "huggingface"
    picture_tokens: int = Field(1024, ge=64, le=4096)
    """How many tokens a picture may take on llama.cpp: more see more, and take longer."""
    llama_build: Literal["auto", "wheel", "cuda", "vulkan", "cpu"] = "auto"
    """Which build of llama.cpp is installed and runs; `engine/engines/llama/server.py` chooses one for `auto`."""
    download: Literal["yes", "no", "ask"] = "ask"
    """Whether `auto` may fetch the gigabytes of a model for llama.cpp; `ask`: page and terminal ask."""
    preset: str = ""
    """A tuning of the engine (engine/plans/tuning.py, which checks it); empty: none."""
    vllm_index: str = ""
    password: SecretStr = SecretStr("")
    database_url: SecretStr = SecretStr("")
    """The database of chats; empty: SQLite, in the workspace."""
    origins: str = ""
    """Further addresses of the page, comma-separated, e.g. `https://chat.example.org`."""
    api_origins: str = ""
    """The origins of other sites whose pages may use the API for programs, in the same form; empty: none."""
    openai_api_base: str = Field("http://localhost:8000/v1", validation_alias="OPENAI_API_BASE")
    """The server that answers with `KIMI_ENGINE=openai`; not used otherwise."""
    pictures: Literal["data", "file"] = "data"
    """How pictures are sent to that server: `file` if it sees the workspace's uploads at the same path."""
    picture_hosts: str = ""
    """The hosts from which the API fetches pictures that programs name, comma-separated; empty: none."""
    auth_header: str = ""
    """The header in which a proxy names the user who has signed in there."""
    oauth_people: str = ""
    """Who may sign in by OAuth: names, `@example.org`, or `*`, comma-separated."""
    admins: str = ""
    """Who may see the status and the logs besides the admins of `user add`, in the same form."""
    proxies: str = ""
    """Addresses and networks of the proxies whose `X-Forwarded-…` headers are trusted, comma-separated."""
    first_token_seconds: int = Field(180, ge=1, le=599)
    """How long an engine may be silent before the first token, its queue aside, until the user is asked."""
    idle_seconds: int = Field(60, ge=1, le=599)
    """The same between two tokens."""
    titles: Literal["", "0", "1"] = ""
    """Whether the model names chats: `1` always, `0` never; empty: where that costs the chats nothing."""
    warm_up: bool = True
    """Whether the engine may read attached pictures before their question is sent."""
    upload_days: int = Field(30, ge=0)
    log_mb: int = Field(20, ge=1)
    log_json: bool = False
    """Whether app.log is JSON, one object per line."""
    trace: Literal["", "console"] = ""
    """`console` writes each span to app.log; the standard `OTEL_…` variables send traces to a collector."""
    trace_content: bool = False
    """Whether spans may contain users' text."""

    @field_validator("workspace", "models")
    @classmethod
    def _below_the_project(cls, path: Path | None) -> Path | None:
        return None if path is None else ROOT / path.expanduser()

    @field_validator("picture_hosts")
    @classmethod
    def _plain_hosts(cls, hosts: str) -> str:
        for entry in filter(None, map(str.strip, hosts.split(","))):
            if not _HOST.fullmatch(entry):
                raise ValueError(entry)
        return hosts

    @field_validator("proxies")
    @classmethod
    def _addresses(cls, proxies: str) -> str:
        parse_networks(proxies)
        return proxies

    @property
    def sign_in(self) -> Literal["header", "local", "password"]:
        """How users sign in: named by a proxy; as the local user, without a form; or by password or OAuth."""
        if self.auth_header:
            return "header"
        return "local" if self.for_this_machine else "password"

    @property
    def remote(self) -> bool:
        """Whether a server that the user provides answers, with the user's key; no engine is started."""
        return self.engine == _REMOTE

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the page."""
        return self.host in _LOOPBACK

    @property
    def for_this_machine(self) -> bool:
        """Whether only this machine can reach the page: it listens on loopback, and no origin names a proxy."""
        origins = [origin.strip() for origin in self.origins.split(",") if origin.strip()]
        return self.loopback and all(urlsplit(origin).hostname in _LOOPBACK for origin in origins)

    @property
    def page_url(self) -> str:
        """The address to open in a browser on this machine."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def models_folder(self) -> Path:
        """Where downloaded weights go."""
        return self.models or self.workspace / "models"

    @property
    def files(self) -> Workspace:
        """The workspace's paths."""
        return Workspace(self.workspace)


class Workspace:
    """The folder with everything that the product writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.uploads = root / "uploads"
        self.presets = root / "presets"
        self.run = root / "run"
        self.llm_log = root / "llm.log"
        self.app_log = root / "app.log"
        self.chats = root / "chat.db"
        self.id = self.run / "workspace.id"
        self.lock = self.run / "lock"
        self.status = self.run / "status.json"
        self.plan = self.run / "plan.json"
        self.supervisor = self.run / "supervisor.json"
        # Not processes.json: earlier versions fail at the start if that has another format than theirs.
        self.groups = self.run / "groups.json"
        self.scratch = self.run / "scratch.json"
        self.engine_key = self.run / "engine.key"
        self.password = self.run / "password"
        self.people = self.run / "people.json"
        self.logins = self.run / "logins.json"
        self.keys = self.run / "keys.json"
        self.watch_key = self.run / "watch.key"
        self.timeline = self.run / "timeline.jsonl"
        self.auth_secret = self.run / "auth.secret"
        self.tool_servers = root / "mcp.json"
        self.tool_folders = root / "tools"
        self.tools_log = root / "tools.log"
        self.tools_key = self.run / "tools.key"
        self.tool_host = self.run / "tools.json"
        self.tool_groups = self.run / "tool-groups.json"
        self.page_root = self.run / "page"
        self.missing_fonts = self.run / "missing-fonts.json"
        self.swept = self.run / "swept.json"
        self.download = self.run / "download"
        self.proof = self.run / "proof.json"
        self.proof_log = root / "prove.log"
        self.restoring = self.run / "restoring"

    def create(self) -> None:
        """Makes the folders, readable only by their owner, because they contain users' pictures."""
        for folder in (self.root, self.uploads, self.run):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)


def load_settings(env_file: Path | None = None) -> Settings:
    """Reads the environment and `.env`; the environment takes precedence.

    Raises:
        ConfigError: a value is not allowed (the text names the key, the value and what is), or the file is not UTF-8.
    """
    file = env_file or ROOT / ".env"
    try:
        return Settings(_env_file=file)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8: save it in that encoding, and start again.") from None


def parse_networks(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The addresses and networks of a comma-separated list.

    Raises:
        ValueError: an entry is neither.
    """
    return [ipaddress.ip_network(entry.strip()) for entry in text.split(",") if entry.strip()]


def secret(path: Path, length: int = 32) -> str:
    """The secret in the file `path`, which is made (mode 0600) the first time.

    `length` is the number of random bytes; the text is URL-safe.
    """
    if path.exists() and (text := path.read_text().strip()):
        return text
    text = secrets.token_urlsafe(length)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    return text


_ALLOWED = {
    "port": "a whole number from 1 to 65535",
    "engine_port": "a whole number from 1 to 65535",
    "hub": "huggingface or modelscope",
    "pictures": "data or file",
    "picture_hosts": "host names without https:// and without *, comma-separated, with :PORT for an unusual port",
    "proxies": "addresses and networks, comma-separated: 127.0.0.1, 10.0.0.0/8",
    "download": "yes, no or ask",
    "llama_build": "auto, wheel, cuda, vulkan or cpu",
    "picture_tokens": "a whole number of tokens, 64 to 4096",
    "first_token_seconds": "a whole number of seconds, 1 to 599",
    "idle_seconds": "a whole number of seconds, 1 to 599",
    "titles": "0, 1 or nothing",
    "warm_up": "0 or 1",
    "upload_days": "a whole number of days, 0 to keep pictures for ever",
    "log_mb": "a whole number of megabytes from 1",
    "log_json": "0 or 1",
    "trace": "console, or nothing",
    "trace_content": "0 or 1",
}


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    field = str(first["loc"][0])
    key = "KIMI_" + field.upper().removeprefix("KIMI_")
    value = "(hidden)" if field == "password" else repr(first["input"])
    return f"{key} is {value}; allowed is {_ALLOWED.get(field, first['msg'])}."
