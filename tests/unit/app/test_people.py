"""Session ids and the page's password."""

import uuid
import warnings
from pathlib import Path

import pytest
from pydantic import SecretStr

from engine.config import Settings

with warnings.catch_warnings():
    # Libraries below Chainlit use what pydantic has deprecated.
    warnings.simplefilter("ignore")
    from app.people import is_session_id
    from app.rules import SharedPassword

BAD = [
    "", "..", "../" * 8 + "etc", "a" * 36, None, 7, b"x", ["x"], str(uuid.uuid1()), str(uuid.uuid4()).upper(),
    uuid.uuid4().hex, f"{{{uuid.uuid4()}}}", f"urn:uuid:{uuid.uuid4()}", f" {uuid.uuid4()}", f"{uuid.uuid4()}\n",
]  # fmt: skip


@pytest.mark.parametrize("value", BAD)
def test_only_canonical_random_uuids_are_session_ids(value: object) -> None:
    assert not is_session_id(value)
    assert is_session_id(str(uuid.uuid4()))


def test_the_owners_password_counts_and_else_one_is_made_once(tmp_path: Path) -> None:
    assert SharedPassword(Settings(workspace=tmp_path, password=SecretStr("mine"))).current() == "mine"
    settings = Settings(workspace=tmp_path / "w")
    settings.files.create()
    made = SharedPassword(settings).current()
    assert len(made) == 12
    assert SharedPassword(settings).current() == made
    assert settings.files.password.stat().st_mode & 0o077 == 0
