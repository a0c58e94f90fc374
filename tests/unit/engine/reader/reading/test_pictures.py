"""Pictures by URL: what is accepted, and the error for everything else."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from engine.reader.errors import ReaderError
from engine.reader.reading import pictures
from tests.instruments.pictures import jpeg, png, shop_sign

SIGN = png(shop_sign("川味小馆"))


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "up loads"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", ["a.png", "a b.png", "ü 100%#?.png", "图.png"])
def test_a_file_inside_is_fetched_whatever_its_name(uploads: Path, name: str) -> None:
    (uploads / name).write_bytes(b"bytes")
    assert pictures.fetch(f"file://{quote(str(uploads / name))}", uploads) == b"bytes"
    assert pictures.fetch(f"file://localhost{quote(str(uploads / name))}", uploads) == b"bytes"


def test_a_link_inside_that_stays_inside_is_followed(uploads: Path) -> None:
    (uploads / "a").write_bytes(b"bytes")
    (uploads / "b").symlink_to(uploads / "a")
    assert pictures.fetch(f"file://{uploads / 'b'}", uploads) == b"bytes"


def test_paths_that_lead_outside_are_rejected(uploads: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "up loads2").mkdir()
    (tmp_path / "up loads2" / "near").write_bytes(b"secret")
    (uploads / "link").symlink_to(tmp_path / "secret")
    for path in (
        tmp_path / "secret",
        f"{uploads}/../secret",
        uploads / "link",
        f"{uploads}2/near",
        f"{uploads}/%2e%2e/secret",
    ):
        with pytest.raises(ReaderError, match="must be a subpath of --allowed-local-media-path") as refused:
            pictures.fetch(f"file://{path}", uploads)
        assert refused.value.status == 400
        assert str(tmp_path) not in refused.value.message


@pytest.mark.parametrize("name", ["missing.png", "", "nul%00.png", "circle"])
def test_an_unreadable_picture_is_a_400(uploads: Path, name: str) -> None:
    (uploads / "circle").symlink_to(uploads / "circle")
    with pytest.raises(ReaderError, match="cannot be read") as refused:
        pictures.fetch(f"file://{uploads}/{name}", uploads)
    assert refused.value.status == 400
    assert str(uploads) not in refused.value.message


def test_without_uploads_no_file_is_read() -> None:
    with pytest.raises(ReaderError, match="--uploads"):
        pictures.fetch("file:///etc/hostname", None)


def test_another_machine_is_not_asked(uploads: Path) -> None:
    with pytest.raises(ReaderError, match="this machine"):
        pictures.fetch("file://elsewhere/a.png", uploads)


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "https://x/a.png", "ftp://x/a", "/etc/hostname", ""])
def test_nothing_is_fetched_from_the_network(url: str, uploads: Path) -> None:
    with pytest.raises(ReaderError, match="fetches nothing"):
        pictures.fetch(url, uploads)


def test_data_urls() -> None:
    encoded = base64.b64encode(b"bytes").decode()
    assert pictures.fetch(f"data:image/png;base64,{encoded}", None) == b"bytes"
    assert pictures.fetch(f"data:image/png; base64,{encoded[:3]}\n {encoded[3:]}", None) == b"bytes"
    assert pictures.fetch(f"DATA:image/png;BASE64,{quote(encoded)}", None) == b"bytes"
    for broken in ("data:image/png;base64", "data:image/png;base64,!!!"):
        with pytest.raises(ReaderError):
            pictures.fetch(broken, None)


def test_a_file_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 3)
    with pytest.raises(ReaderError, match="MiB"):
        pictures.fetch(f"data:;base64,{base64.b64encode(b'four').decode()}", None)


@pytest.mark.parametrize("data", [SIGN, jpeg(shop_sign("A"))])
def test_a_whole_picture_is_decoded(data: bytes) -> None:
    with pictures.opened(data) as picture:
        assert picture.size == (640, 340)


@pytest.mark.parametrize(
    "data", [b"", b"no picture", b"<svg/>", b"%PDF-1.7", SIGN[:-400], SIGN[:60], jpeg(shop_sign("A"))[:2000]]
)
def test_an_incomplete_picture_is_a_400(data: bytes) -> None:
    with pytest.raises(ReaderError, match=r"cannot identify image file|cannot be decoded") as refused:
        pictures.check(data)
    assert refused.value.status == 400


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(ReaderError, match="640 x 340"):
        pictures.check(SIGN, max_pixels=100_000)
    # A header that claims 60,000 x 60,000 pixels: decoding it would take 10 GB.
    bomb = SIGN[:16] + (60_000).to_bytes(4) * 2 + SIGN[24:]
    with pytest.raises(ReaderError, match=r"too large|cannot be decoded|cannot identify"):
        pictures.check(bomb)
