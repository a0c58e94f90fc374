"""The page's password."""

import warnings
from pathlib import Path

from pydantic import SecretStr

from engine.config import Settings

with warnings.catch_warnings():
    # Libraries below Chainlit use what pydantic has deprecated.
    warnings.simplefilter("ignore")
    from app.access.rules import SharedPassword


def test_the_owners_password_counts_and_else_one_is_made_once(tmp_path: Path) -> None:
    assert SharedPassword(Settings(workspace=tmp_path, password=SecretStr("mine"))).current() == "mine"
    settings = Settings(workspace=tmp_path / "w")
    settings.files.create()
    made = SharedPassword(settings).current()
    assert len(made) == 12
    assert SharedPassword(settings).current() == made
    assert settings.files.password.stat().st_mode & 0o077 == 0
