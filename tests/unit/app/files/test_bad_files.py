"""Malformed files: each becomes a correct picture or a clear rejection, and nothing is written elsewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app import i18n
from app.files.pictures import PictureError, PictureLimits
from app.files.uploads import UploadStore
from engine.config import ROOT
from tests.instruments import bad_files

# Pillow warns of broken data and continues; these tests check the result.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

KIMI = PictureLimits(pixels=802_816, side=7154)
THREAD = "thread-1"
MOST = 5


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    return tmp_path / "workspace"


@pytest.fixture
def store(workspace: Path) -> Iterator[UploadStore]:
    store = UploadStore(workspace / "uploads")
    yield store
    store.close()


async def take(store: UploadStore, workspace: Path, data: bytes, name: str = "a.png") -> str:
    """The result for the file: `pictures`, or the key of the rejection; checks the promises about both."""
    incoming = workspace.parent / "incoming"
    incoming.write_bytes(data)
    earlier = list(workspace.rglob("*.*"))
    try:
        stored = await store.take(incoming, name, THREAD, KIMI, MOST)
    except PictureError as error:
        outcome = error.key
        sentences = [i18n.text(error.key, language, **error.values) for language in ("en", "zh")]
    else:
        outcome, sentences = "pictures", []
        assert 1 <= len(stored.pictures) <= MOST
        for picture in stored.pictures:
            path = Path(picture.path)
            assert path.parent == workspace / "uploads" / THREAD
            with Image.open(path) as opened:
                opened.load()
                assert opened.size == (picture.width, picture.height)
                assert opened.mode in {"L", "RGB"}
            assert picture.width * picture.height <= KIMI.pixels
            assert max(picture.width, picture.height) <= KIMI.side
            assert b"script" not in path.read_bytes()
    assert all(sentences)
    if sentences and not earlier:
        assert not list(workspace.rglob("*.*")), "nothing of a refused file stays"
    assert {path.name for path in workspace.parent.iterdir()} == {"workspace", "incoming"}
    assert {path.name for path in workspace.iterdir()} <= {"uploads"}
    return outcome


@pytest.mark.parametrize("build", bad_files.parameters())
async def test_a_bad_file_is_a_right_picture_or_a_clear_refusal(
    build: bad_files.Build, store: UploadStore, workspace: Path
) -> None:
    await take(store, workspace, build())
    assert await take(store, workspace, bad_files.whole("PNG")) == "pictures", "the next file is accepted as usual"


@pytest.mark.parametrize("kind", bad_files.KINDS)
@pytest.mark.parametrize("extension", ["png", "jpg", "pdf", "svg", "exe", ""])
async def test_the_bytes_decide_and_not_the_name(
    kind: str, extension: str, store: UploadStore, workspace: Path
) -> None:
    assert await take(store, workspace, bad_files.whole(kind), f"a.{extension}") == "pictures"


@pytest.mark.parametrize("kind", bad_files.NO_PICTURES)
async def test_a_file_that_is_no_picture_is_rejected_whatever_its_name(
    kind: str, store: UploadStore, workspace: Path
) -> None:
    assert await take(store, workspace, bad_files.NO_PICTURES[kind], "a.png") != "pictures"


@pytest.mark.parametrize("name", bad_files.NAMES, ids=[f"{n}" for n in range(len(bad_files.NAMES))])
async def test_a_name_leads_nowhere_and_fits_into_a_sentence(name: str, store: UploadStore, workspace: Path) -> None:
    incoming = workspace.parent / "incoming"
    incoming.write_bytes(bad_files.whole("PNG"))
    [picture] = (await store.take(incoming, name, THREAD, KIMI, MOST)).pictures
    assert Path(picture.path).parent == workspace / "uploads" / THREAD
    assert picture.name.isprintable()
    assert 0 < len(picture.name) <= 80
    assert not {"/", "\\"} & set(picture.name)
    picture.name.encode()
    assert {path.name for path in workspace.parent.iterdir()} == {"workspace", "incoming"}


_IN_LITTLE_MEMORY = """
import resource, sys
from app.files.pdf import draw_pages, is_pdf
from app.files.pictures import PictureError, PictureLimits, normalise
from tests.instruments import bad_files

gigabytes = float(sys.argv[1])
cases = [(name, build()) for name, build in bad_files._bombs()]
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + int(gigabytes * 1024**3),) * 2)
limits = PictureLimits(pixels=802_816, side=7154)
for name, data in cases:
    try:
        draw_pages(data, limits, 5) if is_pdf(data) else normalise(data, limits)
    except PictureError as error:
        assert not isinstance(error.__cause__, MemoryError), name
print("all", len(cases))
"""


def test_no_bomb_takes_more_than_a_gigabyte() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _IN_LITTLE_MEMORY, "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("all ")


def test_there_are_more_than_three_hundred() -> None:
    assert len(bad_files.quick()) + len(bad_files.KINDS) * 6 + len(bad_files.NAMES) > 300
    assert len({name for name, _ in bad_files.quick()}) == len(bad_files.quick())
