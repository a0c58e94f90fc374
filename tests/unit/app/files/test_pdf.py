"""PDFs as they are: filled forms, text layers, missing fonts, fine scans on small pages; and TIFFs of pages."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image, ImageChops

from app.files import pdf
from app.files.pdf import draw_pages
from app.files.pdf_process import draw
from app.files.pictures import PictureLimits, normalise, normalise_pages
from app.files.uploads import UploadStore
from engine.formats.text_layer import Run, unpack
from engine.system.missing_fonts import noted
from tests.instruments.pictures import font, png, shop_sign
from tests.unit.app.files.test_pdf_process import stream, written
from tests.unit.app.files.test_pictures import save

READER = PictureLimits(40_000_000, 20_000)
HELVETICA = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"
SONG = (
    b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[<</Type/Font/Subtype/"
    b"CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>/FontDescriptor"
    b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[0 -200 1000 900]/ItalicAngle 0/Ascent 800/"
    b"Descent -200/CapHeight 700/StemV 80>>>>]>>"
)


def document(content: bytes, font: bytes = HELVETICA, page: bytes = b"", catalogue: bytes = b"", *more: bytes) -> bytes:
    """A page of 300 x 200 points; `more` objects have the numbers from 6."""
    return written(
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>%s>>" % page,
        stream(b"", content),
        font,
        *more,
    )


def drawn(data: bytes) -> Image.Image:
    [picture] = draw_pages(data, READER, 1).pictures
    image = Image.open(io.BytesIO(picture.data))
    image.load()
    return image


def test_what_is_typed_into_a_form_is_drawn() -> None:
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/V(Maria)/Rect[20 20 200 60]/DA(/F 24 Tf 0 g)/F 4/P 3 0 R>>"
    form = b"/AcroForm<</Fields[6 0 R]/DR<</Font<</F 5 0 R>>>>/DA(/F 24 Tf 0 g)/NeedAppearances true>>"
    filled = drawn(document(b"", HELVETICA, b"/Annots[6 0 R]", form, field))
    box = tuple(round(edge * 200 / 72) for edge in (20, 140, 200, 180))
    ink = filled.convert("L").crop(box).point(lambda value: 255 * (value < 100))
    assert ink.getbbox() is not None


@pytest.mark.parametrize(("turn", "left", "top"), [(b"", 0.1, 0.4), (b"/Rotate 90", 0.5, 0.1)])
def test_the_text_layer_travels_in_the_picture_with_its_places(turn: bytes, left: float, top: float) -> None:
    page = drawn(document(b"BT /F 20 Tf 30 100 Td (Invoice 20481) Tj ET", HELVETICA, turn))
    [run] = unpack(page.info)
    assert run.text == "Invoice 20481"
    assert (run.left, run.top) == (pytest.approx(left, abs=0.09), pytest.approx(top, abs=0.09))
    # What the layer names stands there.
    ink = ImageChops.invert(page.convert("L")).getbbox()
    assert ink is not None
    assert abs(ink[0] / page.width - run.left) < 0.03
    assert abs(ink[1] / page.height - run.top) < 0.03


def test_a_page_without_text_has_no_layer() -> None:
    assert unpack(drawn(document(b"0 0 50 50 re f")).info) == []


def test_a_text_layer_that_somebody_sends_is_taken_out() -> None:
    page = draw_pages(document(b"BT /F 20 Tf 30 100 Td (Invoice) Tj ET"), READER, 1).pictures[0]
    image = Image.open(io.BytesIO(normalise(page.data, READER).data))
    assert unpack(image.info) == []


CHINESE = document(b"BT /F 24 Tf 20 100 Td <75355B5053D17968> Tj ET", SONG)


def test_a_font_that_is_nowhere_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without the fallback font, and on this machine's own fonts: one with Chinese would hide what is tested.
    pages = draw_pages(CHINESE, READER, 1)
    [picture] = pages.pictures
    empty = ImageChops.invert(Image.open(io.BytesIO(picture.data)).convert("L")).getbbox() is None
    assert pages.missing_fonts == (("STSong-Light",) if empty else ())
    assert draw_pages(document(b"BT /F 20 Tf 30 100 Td (Invoice) Tj ET"), READER, 1).missing_fonts == ()


async def test_chinese_without_its_font_is_drawn_in_the_one_that_comes_with_the_installation() -> None:
    pages = await draw(CHINESE, READER, 1)
    assert pages.missing_fonts == ()
    image = Image.open(io.BytesIO(pages.pictures[0].data)).convert("L")
    assert ImageChops.invert(image).getbbox() is not None


async def test_a_missing_font_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.files import uploads
    from app.files.pictures import Pages

    async def without(*_: object, **__: object) -> Pages:
        return Pages([normalise(png(shop_sign("x")), READER)], 1, ("STSong-Light",))

    monkeypatch.setattr(uploads.pdf_process, "draw", without)
    (tmp_path / "a.pdf").write_bytes(CHINESE)
    store = UploadStore(tmp_path / "uploads", tmp_path / "missing-fonts.json")
    stored = await store.take(tmp_path / "a.pdf", "a.pdf", "t", READER, 5)
    assert [(notice.key, notice.values["fonts"]) for notice in stored.notices] == [("fonts_missing", "STSong-Light")]
    assert noted(tmp_path / "missing-fonts.json") == ["STSong-Light"]
    store.close()


@pytest.mark.parametrize(
    ("points", "pixels"), [((72, 36), (600, 300)), ((36, 18), (600, 300)), ((288, 144), (800, 400))]
)
def test_a_fine_scan_on_a_small_page_is_drawn_as_fine_as_it_is(
    points: tuple[int, int], pixels: tuple[int, int]
) -> None:
    scan = pypdfium2.PdfDocument.new()
    page = scan.new_page(*points)
    image = pypdfium2.PdfImage.new(scan)
    image.set_bitmap(pypdfium2.PdfBitmap.from_pil(Image.new("RGB", (600, 300), "white")))
    image.set_matrix(pypdfium2.PdfMatrix().scale(*points))
    page.insert_obj(image)
    page.gen_content()
    file = io.BytesIO()
    scan.save(file)
    scan.close()
    assert drawn(file.getvalue()).size == pytest.approx(pixels, abs=2)


def tiff(*pages: Image.Image, **options: object) -> bytes:
    return save(pages[0], "TIFF", save_all=True, append_images=pages[1:], **options)


async def test_the_pages_of_a_tiff_are_pictures_of_their_own(tmp_path: Path) -> None:
    pages = [shop_sign(text) for text in "甲乙丙"]
    (tmp_path / "a.tiff").write_bytes(tiff(*pages))
    store = UploadStore(tmp_path / "uploads")
    stored = await store.take(tmp_path / "a.tiff", "a.tiff", "t", READER, 2)
    assert [picture.name for picture in stored.pictures] == ["a.tiff (1)", "a.tiff (2)"]
    assert [Image.open(picture.path).tobytes() for picture in stored.pictures] == [page.tobytes() for page in pages[:2]]
    assert [(notice.key, notice.values["total"]) for notice in stored.notices] == [("pages_left_out", 3)]
    store.close()


def test_a_smaller_copy_in_a_tiff_is_no_page() -> None:
    file = io.BytesIO()
    with Image.new("L", (40, 20)) as page, Image.new("L", (4, 2)) as copy:
        copy.encoderinfo = {"tiffinfo": {0x00FE: 1}}
        page.save(file, "TIFF", save_all=True, append_images=[copy])
    assert normalise_pages(file.getvalue(), READER, 9).total == 1


def test_a_fax_gets_square_pixels_on_every_page() -> None:
    pages = [Image.new("1", size, 1) for size in ((1728, 1151), (1728, 1000))]
    found = normalise_pages(tiff(*pages, dpi=(204, 98), compression="group4"), READER, 5).pictures
    assert [(page.width, page.height) for page in found] == [(1728, 2396), (1728, 2082)]
    assert not any(page.scaled for page in found)


def test_letters_of_a_fax_have_their_proportions() -> None:
    sign = Image.new("L", (400, 200), 255)
    from PIL import ImageDraw

    ImageDraw.Draw(sign).text((200, 100), "O", font=font(120), fill=0, anchor="mm")
    sent = save(sign.resize((400, 100)), "TIFF", dpi=(200, 100))
    came = Image.open(io.BytesIO(normalise(sent, READER).data)).convert("L")
    before, after = (ImageChops.invert(image).getbbox() for image in (sign, came))
    assert after == pytest.approx(before, abs=8)  # of 400 x 200, blurred by the scaling


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_frames_that_are_left_out_are_counted(kind: str) -> None:
    frames = [shop_sign(text) for text in "甲乙丙"]
    data = save(frames[0], kind, save_all=True, append_images=frames[1:])
    assert normalise(data, READER).left_out_frames == 2


def test_an_avif_is_read() -> None:
    sign = shop_sign("川味小馆")
    normal = normalise(save(sign, "AVIF"), READER)
    assert (normal.extension, normal.width, normal.height) == ("jpg", *sign.size)


def test_a_run_has_the_shares_of_the_page() -> None:
    [run] = unpack(drawn(document(b"BT /F 20 Tf 0 0 Td (x) Tj ET")).info)
    assert isinstance(run, Run)
    assert run.bottom > 0.9


@pytest.mark.parametrize("name", ["finest", "missing_fonts", "text_runs"])
def test_a_page_that_can_be_drawn_is_drawn_without_its_extras_if_they_are_broken(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def broken(page: pypdfium2.PdfPage) -> None:
        raise pypdfium2.PdfiumError("Failed to get the bounds.")

    monkeypatch.setattr(pdf, name, broken)
    assert drawn(document(b"BT /F 20 Tf 30 100 Td (Invoice) Tj ET")).convert("L").getextrema() != (255, 255)
