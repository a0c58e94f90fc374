"""Settings: where they come from, and how wrong ones are reported."""

import re
import stat
from pathlib import Path

import pytest

from engine.commands.settings_notes import settings_notes
from engine.config import ROOT, ConfigError, Settings, Workspace, load_settings, secret
from engine.env_file import env_values
from engine.plans import tuning


@pytest.fixture
def no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [*Settings.model_fields]:
        monkeypatch.delenv(f"KIMI_{name.upper()}", raising=False)
    return tmp_path / "absent.env"


def test_without_anything_set_the_page_is_for_this_machine_alone(no_file: Path) -> None:
    settings = load_settings(no_file)
    assert (settings.host, settings.port, settings.engine_port) == ("127.0.0.1", 8080, 8000)
    assert settings.loopback
    assert settings.workspace == ROOT / "workspace"


def test_the_environment_wins_over_the_file(no_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.write_text("KIMI_PORT=9001\nKIMI_ENGINE_PORT=9002\n")
    monkeypatch.setenv("KIMI_PORT", "9003")
    settings = load_settings(file)
    assert (settings.port, settings.engine_port) == (9003, 9002)


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("KIMI_PORT", "eighty", "1 to 65535"),
        ("KIMI_PORT", "70000", "1 to 65535"),
        ("KIMI_UPLOAD_DAYS", "-1", "0 to keep"),
        ("KIMI_LOG_MB", "0", "from 1"),
    ],
)
def test_a_wrong_value_is_one_sentence_with_key_value_and_what_is_allowed(
    no_file: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(key, value)
    with pytest.raises(ConfigError) as raised:
        load_settings(no_file)
    sentence = str(raised.value)
    assert sentence.startswith(f"{key} is {value!r}; allowed is ")
    assert allowed in sentence
    assert "\n" not in sentence


def test_the_example_file_names_every_setting_and_its_default(no_file: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^#((?:KIMI|OPENAI)_\w+)=(.*)$", text, re.MULTILINE))
    defaults = Settings(_env_file=None)
    for name, field in Settings.model_fields.items():
        key = field.validation_alias or f"KIMI_{name.upper()}"
        assert key in shown, f"{key} is missing in .env.example"
        value = getattr(defaults, name)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        plain = int(plain) if isinstance(plain, bool) else plain
        if name != "workspace":
            assert shown[key] == str("" if plain is None else plain), key


def test_the_workspace_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    files = Workspace(tmp_path / "a place" / "workspace")
    files.create()
    for folder in (files.root, files.uploads, files.run):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = secret(path)
    assert len(first) >= 32
    assert secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_as_editors_of_windows_write_it_is_read_whole(no_file: Path, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("\ufeffKIMI_PORT=9001\r\nKIMI_PASSWORD='pässword'\r\nOTEL_SERVICE_NAME=x\r\n".encode())
    settings = load_settings(file)
    assert (settings.port, settings.password.get_secret_value()) == (9001, "pässword")
    assert list(env_values(file)) == ["KIMI_PORT", "KIMI_PASSWORD", "OTEL_SERVICE_NAME"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_a_file_in_another_encoding_is_one_sentence(no_file: Path, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / ".env"
    file.write_bytes("KIMI_PASSWORD=pässword\n".encode(encoding))
    with pytest.raises(ConfigError, match="is not UTF-8") as raised:
        load_settings(file)
    assert "ssword" not in str(raised.value)


def test_settings_without_effect_are_reported_without_their_values(no_file: Path, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(
        '# ours\nKIMI_ENGINE_KEY=secret\n\nKIMI_PASWORD=secret\nKIMI_HOST=::\nKIMI_PASSWORD="secret\n'
        "KIMI_HOST=0.0.0.0\nOTEL_X=1\nKIMI_ZZ=secret\n"
    )
    notes = settings_notes(load_settings(file), file)
    assert notes == [
        f"{file}, line 4: there is no setting KIMI_PASWORD; did you mean KIMI_PASSWORD?",
        f"{file}, line 6 is not a setting and is ignored: write NAME=value, and close each quotation.",
        f"{file}, line 7: KIMI_HOST is set again; this line counts.",
        f"{file}, line 9: there is no setting KIMI_ZZ.",
    ]
    assert settings_notes(load_settings(no_file), no_file) == []


def test_an_origin_that_is_no_address_is_reported(no_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIMI_ORIGINS", "https://a.example.org, chat.example.org:8443,http://b:80/")
    [note] = settings_notes(load_settings(no_file), no_file)
    assert "'chat.example.org:8443'" in note
    assert "https://chat.example.org" in note


def test_a_tuning_that_does_not_exist_is_one_sentence_with_those_that_do() -> None:
    tuning.check(Settings(_env_file=None, preset="low-latency"))
    with pytest.raises(ConfigError) as raised:
        tuning.check(Settings(_env_file=None, preset="fast"))
    allowed = "appliance, long-context, low-latency, high-throughput, or nothing"
    assert str(raised.value) == f"KIMI_PRESET is 'fast'; allowed is {allowed}."
