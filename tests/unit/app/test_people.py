"""The page's password."""

import warnings
from pathlib import Path

from pydantic import SecretStr

from engine.config import Settings

with warnings.catch_warnings():
    # Libraries below Chainlit use what pydantic has deprecated.
    warnings.simplefilter("ignore")
    from app.people import page_password


def test_the_owners_password_counts_and_else_one_is_made_once(tmp_path: Path) -> None:
    assert page_password(Settings(workspace=tmp_path, password=SecretStr("mine"))) == "mine"
    settings = Settings(workspace=tmp_path / "w")
    settings.files.create()
    made = page_password(settings)
    assert len(made) == 12
    assert page_password(settings) == made
    assert settings.files.password.stat().st_mode & 0o077 == 0
