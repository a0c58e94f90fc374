"""The pictures of results, within the limits of a turn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.files import room
from app.files.pictures import NormalPicture, PictureLimits
from app.files.uploads import UploadStore
from app.talk.parts import ToolCall
from app.tools import toolbox as limits
from app.tools.host import ToolHost
from app.tools.tool import Outcome, Tool
from app.tools.toolbox import Toolbox
from engine.config import Workspace
from tests.instruments.pictures import png, shop_sign


class Host(ToolHost):
    """Its tool returns six pictures."""

    async def call(self, name: str, arguments: Any) -> Outcome:
        return Outcome("six", pictures=[png(shop_sign("川味"))] * 6)


class Store(UploadStore):
    """Remembers for whom it decodes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.people: list[str] = []

    async def normalised(self, data: bytes, limits: PictureLimits, person: str = "") -> NormalPicture:
        self.people.append(person)
        return await super().normalised(data, limits, person)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "uploads")
    yield store
    store.close()


def toolbox_of(store: Store, tmp_path: Path) -> Toolbox:
    tool = Tool("near__six", "Six", "", {}, server="near")
    return Toolbox([tool], Host(Workspace(tmp_path)), store, "t", PictureLimits(802_816, 7154), person="anna")


CALL = ToolCall("1", "near__six", "{}")


async def test_a_result_and_a_turn_have_few_pictures_which_wait_in_their_persons_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_PICTURES", 5)
    toolbox = toolbox_of(store, tmp_path)
    results = [await toolbox.call(CALL, []) for _ in range(3)]
    assert [len(result.pictures) for result in results] == [4, 1, 0]
    assert [result.text for result in results] == [f"six\n[{n} more pictures were left out]" for n in (2, 5, 6)]
    assert store.people == ["anna"] * 5


async def test_pictures_for_which_the_disk_has_no_room_are_not_stored(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "ROOM_LEFT", 10**18)
    result = await toolbox_of(store, tmp_path).call(CALL, [])
    assert result.pictures == []
    assert "can't be used" in result.text
    assert not list((tmp_path / "uploads").rglob("*.*"))
