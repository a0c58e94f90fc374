"""Uploads are stored in the workspace under a hash of their content, once and complete, and are deleted when old."""

import asyncio
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from app.errors import HistoryError
from app.files import room, uploads
from app.files.originals import best_of
from app.files.pictures import NormalPicture, PictureError, PictureLimits
from app.files.uploads import UploadStore, display_name
from app.history.retention import sweep_imports, sweep_session_files, sweep_uploads, trusted_now
from app.history.transfer.imports import MARK
from tests.instruments.pictures import jpeg, png, shop_sign
from tests.unit.app.files.test_pictures import pdf

KIMI = PictureLimits(pixels=802_816, side=7154)
WITH_ORIGINAL = replace(KIMI, keep_original=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[UploadStore]:
    store = UploadStore(tmp_path / "uploads")
    yield store
    store.close()


def upload(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "incoming"
    path.write_bytes(data)
    return path


async def test_a_picture_is_named_by_its_content_below_its_thread(store: UploadStore, tmp_path: Path) -> None:
    stored = await store.take(upload(tmp_path, png(shop_sign("川味"))), "招牌 1.png", "thread-1", KIMI, 5)
    [picture] = stored.pictures
    path = Path(picture.path)
    assert path.parent == tmp_path / "uploads" / "thread-1"
    assert path.name == hashlib.sha256(path.read_bytes()).hexdigest() + ".png"
    assert (picture.name, stored.notices, stored.shown_as_it_is) == ("招牌 1.png", [], True)


async def test_the_same_picture_is_the_same_file(store: UploadStore, tmp_path: Path) -> None:
    path = upload(tmp_path, jpeg(shop_sign("川味")))
    first, second = [await store.take(path, "a.jpg", "t", KIMI, 5) for _ in range(2)]
    assert first.pictures == second.pictures
    assert len(list((tmp_path / "uploads" / "t").iterdir())) == 1
    Path(first.pictures[0].path).unlink()
    third = await store.take(path, "a.jpg", "t", KIMI, 5)
    assert Path(third.pictures[0].path).exists(), "a file that was swept away is made again"


async def test_many_at_once_leave_no_half_file(store: UploadStore, tmp_path: Path) -> None:
    path = upload(tmp_path, png(shop_sign("川味")))
    results = await asyncio.gather(*(store.take(path, f"{n}.png", "t", KIMI, 5) for n in range(8)))
    assert len({stored.pictures[0].path for stored in results}) == 1
    assert [p.suffix for p in (tmp_path / "uploads" / "t").iterdir()] == [".png"]


async def test_the_same_file_is_decoded_once_for_all_who_want_it_and_not_at_all_if_none_does_any_more(
    store: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go, decoded = threading.Event(), threading.Event(), []

    def slow(data: bytes, *limits: object) -> None:
        decoded.append(data)
        began.set()
        assert go.wait(20)

    monkeypatch.setattr(uploads, "long_picture", slow)
    path = upload(tmp_path, png(shop_sign("川味")))
    ahead = asyncio.create_task(store.take(path, "a.png", "t", KIMI, 5, ahead=True))
    await asyncio.to_thread(began.wait)
    sent = asyncio.create_task(store.take(path, "a.png", "t", KIMI, 5))
    await asyncio.sleep(0.1)
    ahead.cancel()
    await asyncio.sleep(0.1)
    go.set()
    [picture] = (await sent).pictures
    assert len(decoded) == 1
    assert Path(picture.path).exists()


async def test_pictures_that_are_not_sent_are_dropped_and_no_others(store: UploadStore, tmp_path: Path) -> None:
    path = upload(tmp_path, png(shop_sign("川味")))
    [picture] = (await store.take(path, "a.png", "t", KIMI, 5, ahead=True)).pictures
    store.drop_unsent([picture])
    assert not Path(picture.path).exists()
    assert (await store.take(path, "a.png", "t", KIMI, 5, ahead=True)).pictures == [picture]
    assert (await store.take(path, "a.png", "t", KIMI, 5)).pictures == [picture]
    assert (await store.take(path, "again.png", "t", KIMI, 5, ahead=True)).pictures[0].path == picture.path
    store.drop_unsent([picture])
    assert Path(picture.path).exists(), "a question has it"


async def test_a_picture_that_is_sent_under_one_name_is_kept_whatever_becomes_of_another(
    store: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file, waits = uploads.replace_file, iter((0.1, 0.4))

    def slowly(path: Path, data: bytes) -> None:
        time.sleep(next(waits))
        replace_file(path, data)

    monkeypatch.setattr(uploads, "replace_file", slowly)
    path = upload(tmp_path, png(shop_sign("川味")))
    sent = asyncio.create_task(store.take(path, "a.png", "t", KIMI, 5))
    await asyncio.sleep(0.05)
    ahead = await store.take(path, "b.png", "t", KIMI, 5, ahead=True)
    [picture] = (await sent).pictures
    store.drop_unsent(ahead.pictures)
    assert Path(picture.path).exists()


async def test_of_a_document_that_is_given_up_half_way_nothing_is_kept(
    store: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file, written, go = uploads.replace_file, [], threading.Event()

    def slowly(path: Path, data: bytes) -> None:
        written.append(path)
        assert len(written) < 2 or go.wait(20)
        replace_file(path, data)

    monkeypatch.setattr(uploads, "replace_file", slowly)
    document = tmp_path / "a.tif"
    shop_sign("1").save(document, save_all=True, append_images=[shop_sign("2"), shop_sign("3")])
    ahead = asyncio.create_task(store.take(document, "a.tif", "t", KIMI, 5, ahead=True))
    async with asyncio.timeout(60):
        while len(written) < 2:
            await asyncio.sleep(0.01)
        ahead.cancel()
        go.set()
        await asyncio.wait([ahead])
        while list((tmp_path / "uploads" / "t").iterdir()):
            await asyncio.sleep(0.01)


async def test_pages_that_a_picture_does_not_have_are_no_error(store: UploadStore, tmp_path: Path) -> None:
    page = tmp_path / "a.tif"
    shop_sign("川味").resize((2000, 1000)).save(page)
    stored = await store.take(page, "a.tif", "t", WITH_ORIGINAL, 5, first=2)
    assert (stored.pictures, stored.pages) == ([], 1)


async def test_scaling_is_reported(store: UploadStore, tmp_path: Path) -> None:
    big = shop_sign("川味").resize((2000, 1000))
    stored = await store.take(upload(tmp_path, png(big)), "big.png", "t", KIMI, 5)
    [notice] = stored.notices
    assert notice.key == "picture_scaled"
    assert (notice.values["name"], notice.values["from_width"]) == ("big.png", 2000)


async def test_the_original_is_kept_if_asked_for_and_there_is_room_and_is_as_old_as_its_picture(
    store: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = upload(tmp_path, jpeg(shop_sign("川味").resize((2000, 1000))))
    [plain] = (await store.take(big, "big.jpg", "plain", KIMI, 5)).pictures
    assert best_of(Path(plain.path)) == Path(plain.path)
    [kept] = (await store.take(big, "big.jpg", "kept", WITH_ORIGINAL, 5)).pictures
    original = best_of(Path(kept.path))
    with Image.open(original) as image:
        assert image.size == (2000, 1000)
    for file in (original, Path(kept.path)):
        os.utime(file, (0, 0))
    await store.take(big, "big.jpg", "kept", WITH_ORIGINAL, 5)
    assert original.stat().st_mtime > 0
    small = tmp_path / "small"
    small.write_bytes(jpeg(shop_sign("川味")))
    [as_it_was] = (await store.take(small, "small.jpg", "kept", WITH_ORIGINAL, 5)).pictures
    assert best_of(Path(as_it_was.path)) == Path(as_it_was.path)
    [ahead] = (await store.take(big, "big.jpg", "ahead", WITH_ORIGINAL, 5, ahead=True)).pictures
    assert len(list((tmp_path / "uploads" / "ahead").iterdir())) == 2
    store.drop_unsent([ahead])
    assert list((tmp_path / "uploads" / "ahead").iterdir()) == []
    monkeypatch.setattr(room, "ROOM_LEFT", 10**18)
    [without] = (await store.take(big, "big.jpg", "full", WITH_ORIGINAL, 5)).pictures
    assert best_of(Path(without.path)) == Path(without.path)


async def test_pdf_pages_beyond_the_limit_are_reported(store: UploadStore, tmp_path: Path) -> None:
    stored = await store.take(upload(tmp_path, pdf(4)), "four.pdf", "t", KIMI, 3)
    assert [picture.name for picture in stored.pictures] == ["four.pdf (1)", "four.pdf (2)", "four.pdf (3)"]
    assert [(n.key, n.values["total"]) for n in stored.notices] == [("pages_left_out", 4)]
    assert not stored.shown_as_it_is


async def test_refusals_name_the_file(store: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refusal(data: bytes, most: int = 5) -> tuple[str, object]:
        with pytest.raises(PictureError) as error:
            await store.take(upload(tmp_path, data), "../x/evil\u202e\n.png", "t", KIMI, most)
        return error.value.key, error.value.values["name"]

    assert await refusal(b"no picture") == ("picture_unknown", "evil.png")
    assert await refusal(png(shop_sign("x")), most=0) == ("picture_too_many", "evil.png")
    monkeypatch.setattr(uploads, "MAX_BYTES", 100)
    assert await refusal(b"x" * 101) == ("picture_too_many_bytes", "evil.png")
    assert not (tmp_path / "uploads").exists()


@pytest.mark.parametrize("thread", ["..", "a/b", "", "x" * 99, "a.b"])
async def test_a_thread_that_is_no_folder_name_is_an_error(store: UploadStore, tmp_path: Path, thread: str) -> None:
    with pytest.raises(ValueError, match="folder"):
        await store.take(upload(tmp_path, png(shop_sign("x"))), "a.png", thread, KIMI, 5)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a.png", "a.png"), ("C:\\x\\b.png", "b.png"), ("\x00\n", "?"), ("n" * 200, "n" * 80), ("店 .jpg", "店 .jpg")],
)
def test_names_for_people(name: str, shown: str) -> None:
    assert display_name(name) == shown


def test_old_uploads_are_swept_and_others_kept(tmp_path: Path) -> None:
    now = 1_000_000_000.0
    for thread, age in (("old", 40), ("new", 3)):
        file = tmp_path / thread / "x.png"
        file.parent.mkdir()
        file.write_bytes(b"x")
        os.utime(file, (now - age * 86400,) * 2)
    assert sweep_uploads(tmp_path, 0, now) == 0
    assert sweep_uploads(tmp_path, 30, now) == 1
    assert [path.name for path in tmp_path.rglob("*.png")] == ["x.png"]
    assert (tmp_path / "new" / "x.png").exists()


def test_a_clock_that_jumps_a_year_ahead_is_accepted_in_steps(tmp_path: Path) -> None:
    noted, day, begun = tmp_path / "swept.json", 86400.0, 1_000_000_000.0
    assert [trusted_now(noted, 30, begun + n * day) for n in range(3)] == [begun + n * day for n in range(3)]
    assert trusted_now(noted, 30, begun + 9 * day) == begun + 9 * day, "a machine that was off for a week"
    wrong = begun + 400 * day
    # Starting again and again does not make it later.
    assert [round(trusted_now(noted, 30, wrong + n) - begun) / day for n in range(3)] == pytest.approx(
        [16.5] * 3, abs=0.1
    )
    assert trusted_now(noted, 30, wrong + day) - begun == pytest.approx(24 * day, abs=10)
    assert trusted_now(noted, 30, begun + 10 * day) == begun + 10 * day, "the clock was corrected"
    assert trusted_now(noted, 30, begun + 11 * day) == begun + 11 * day
    assert trusted_now(noted, 30, begun - 1000 * day) == begun - 1000 * day, "a start before the time is known"
    assert trusted_now(noted, 30, begun + 12 * day) == begun + 12 * day
    noted.write_text("no JSON")
    assert trusted_now(noted, 30, begun) == begun
    assert trusted_now(tmp_path / "missing" / "swept.json", 30, begun) == begun, "a disk that takes nothing"


def test_a_clock_that_stays_ahead_is_accepted_in_the_end(tmp_path: Path) -> None:
    noted, day = tmp_path / "swept.json", 86400.0
    trusted_now(noted, 1, 0.0)
    late = [trusted_now(noted, 1, (100 + n) * day) for n in range(200)]
    assert late == sorted(late)
    assert late[0] == 2 * day
    assert late[-1] == 299 * day


def test_a_link_out_of_the_uploads_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.txt").write_text("x")
    os.utime(outside / "mine.txt", (0, 0))
    inside = tmp_path / "uploads"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    assert sweep_uploads(inside, 1, 1_000_000_000.0) == 0
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(outside)
    sweep_session_files(tmp_path / "files")
    assert (outside / "mine.txt").exists()


async def test_many_pictures_of_one_person_do_not_delay_one_of_another(
    store: UploadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, began = threading.Event(), list[bytes]()

    def held(data: bytes, limits: PictureLimits) -> NormalPicture:
        began.append(data)
        assert go.wait(30)
        return NormalPicture(data, "png", 1, 1, (1, 1))

    monkeypatch.setattr(uploads, "normalise", held)
    many = [asyncio.create_task(store.normalised(b"a", KIMI, "anna")) for _ in range(20)]
    await asyncio.sleep(0)
    one = asyncio.create_task(store.normalised(b"b", KIMI, "bert"))
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(one, *many)
    assert began.index(b"b") <= 4


async def test_only_the_leftovers_of_a_killed_import_are_deleted(tmp_path: Path) -> None:
    long_ago, now = 1_000_000, 1_010_000
    for name, marked, when in (
        ("killed", True, long_ago),
        ("kept", True, long_ago),
        ("going on", True, now - 60),
        ("a chat of another database", False, long_ago),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(b"x")
        if marked:
            (tmp_path / name / MARK).touch()
            os.utime(tmp_path / name / MARK, (when, when))

    async def kept(thread_id: str) -> bool:
        return thread_id == "kept"

    assert await sweep_imports(tmp_path, kept, now) == 1
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("*/*")}
    assert left == {"kept/x.png", "going on/x.png", f"going on/{MARK}", "a chat of another database/x.png"}


async def test_a_database_that_does_not_answer_costs_no_picture(tmp_path: Path) -> None:
    (tmp_path / "thread").mkdir()
    (tmp_path / "thread" / MARK).touch()

    async def kept(thread_id: str) -> bool:
        raise HistoryError("it is away")

    with pytest.raises(HistoryError):
        await sweep_imports(tmp_path, kept, time.time() + 100_000)
    assert (tmp_path / "thread" / MARK).exists()


async def test_a_picture_of_a_tool_is_stored_unless_it_is_too_large_or_the_disk_is_full(
    store: UploadStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png(shop_sign("x"))
    kept = await store.take_bytes(data, "a.png", "t", KIMI)
    assert Path(kept.path).parent == tmp_path / "uploads" / "t"
    with pytest.raises(PictureError) as refused:
        await store.take_bytes(bytes(uploads.MAX_BYTES + 1), "a.png", "t", KIMI)
    assert refused.value.key == "picture_too_many_bytes"
    monkeypatch.setattr(uploads, "has_room", lambda *_: False)
    with pytest.raises(OSError, match="No space left"):
        await store.take_bytes(data, "a.png", "another", KIMI)
    assert not (tmp_path / "uploads" / "another").exists()


async def test_later_pages_keep_their_numbers(store: UploadStore, tmp_path: Path) -> None:
    stored = await store.take(upload(tmp_path, pdf(5)), "plan.pdf", "thread", KIMI, 2, first=3)
    assert [picture.name for picture in stored.pictures] == ["plan.pdf (4)", "plan.pdf (5)"]
    assert (stored.pages, stored.notices) == (5, [])
