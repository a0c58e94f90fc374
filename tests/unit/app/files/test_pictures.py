"""Files become pictures: verified, upright, without metadata, no smaller than the model takes."""

import io
import struct
import zlib
from typing import Any

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from app.files.pdf import draw_pages, is_pdf
from app.files.pictures import MAX_PIXELS, PictureError, PictureLimits, normalise, target_size
from tests.instruments.pictures import shop_sign

KIMI = PictureLimits(pixels=802_816, side=7154)
WIDE = PictureLimits(pixels=40_000_000, side=20_000)


def save(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def corner() -> Image.Image:
    """60 x 40, red in the upper left quarter."""
    picture = Image.new("RGB", (60, 40), "white")
    ImageDraw.Draw(picture).rectangle((0, 0, 29, 19), fill="red")
    return picture


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def is_red(pixel: object) -> bool:
    assert isinstance(pixel, tuple)
    return pixel[0] > 200 and pixel[1] < 80


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_pictures_stay_lossless(kind: str) -> None:
    normal = normalise(save(corner(), kind), KIMI)
    assert normal.extension == "png"
    assert opened(normal.data).convert("RGB").tobytes() == corner().tobytes()


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("HEIF", "jpg"), ("WEBP", "jpg")])
def test_lossy_pictures_stay_lossy_and_close(kind: str, extension: str) -> None:
    sign = shop_sign("川味小馆")
    normal = normalise(save(sign, kind, quality=90), KIMI)
    assert (normal.extension, normal.width, normal.height) == (extension, *sign.size)
    before, after = sign.resize((64, 34)).tobytes(), opened(normal.data).convert("RGB").resize((64, 34)).tobytes()
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) < 20


def test_a_lossless_webp_stays_lossless() -> None:
    normal = normalise(save(corner(), "WEBP", lossless=True), KIMI)
    assert normal.extension == "png"
    assert opened(normal.data).tobytes() == corner().tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A maker"
    exif.get_ifd(0x8825)[1] = "N"
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = corner().transpose(undo[orientation]) if orientation in undo else corner()
    normal = normalise(save(stored, kind, exif=exif), KIMI)
    upright = opened(normal.data)
    assert (normal.width, normal.height) == upright.size == (60, 40)
    assert is_red(upright.convert("RGB").getpixel((5, 5)))
    assert not is_red(upright.convert("RGB").getpixel((50, 35)))
    assert not dict(upright.getexif())
    assert b"A maker" not in normal.data
    assert not normal.scaled


def test_no_kind_of_metadata_gets_through() -> None:
    from PIL.PngImagePlugin import PngInfo

    text = PngInfo()
    text.add_text("Comment", "a secret")
    png = save(corner(), "PNG", pnginfo=text, dpi=(300, 300), icc_profile=b"a secret profile")
    jpeg = save(corner(), "JPEG", comment=b"a secret", dpi=(300, 300), icc_profile=b"a secret profile")
    for data in (png, jpeg):
        assert b"secret" in data
        assert b"secret" not in normalise(data, KIMI).data


@pytest.mark.parametrize("size", [(1024, 784), (896, 896), (300, 200)])
def test_nothing_within_the_limit_is_scaled(size: tuple[int, int]) -> None:
    normal = normalise(save(Image.new("RGB", size, "blue"), "JPEG"), KIMI)
    assert (normal.width, normal.height) == size
    assert not normal.scaled


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_scaled_to_exactly_the_limit(kind: str) -> None:
    normal = normalise(save(Image.new("RGB", (4000, 3000), "blue"), kind), KIMI)
    assert opened(normal.data).size == (normal.width, normal.height)
    assert 0.998 * KIMI.pixels < normal.width * normal.height <= KIMI.pixels
    assert normal.width / normal.height == pytest.approx(4 / 3, rel=0.005)
    assert (normal.scaled, normal.original_size) == (True, (4000, 3000))


@given(st.integers(1, 30_000), st.integers(1, 30_000))
def test_the_target_is_within_the_limits_and_as_large_as_can_be(width: int, height: int) -> None:
    w, h = target_size(width, height, KIMI)
    assert w * h <= KIMI.pixels
    assert max(w, h) <= KIMI.side
    if (w, h) != (width, height):
        assert (w + 1) * (h + 1) * 1.01 >= KIMI.pixels or max(w, h) >= KIMI.side - 1 or min(w, h) == 1


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F", "PA"])
def test_every_mode_becomes_grey_or_rgb(mode: str) -> None:
    picture = Image.new("RGBA", (8, 8), "white").convert("RGBA") if mode == "PA" else Image.new(mode, (8, 8))
    normal = normalise(save(picture, "TIFF" if mode not in {"RGBA", "PA"} else "PNG"), KIMI)
    assert opened(normal.data).mode in {"L", "RGB"}


def test_sixteen_bits_keep_their_grey() -> None:
    picture = Image.new("I;16", (4, 4), 257 * 100)
    assert opened(normalise(save(picture, "PNG"), KIMI).data).getpixel((0, 0)) == 100


def test_a_transparent_drawing_can_be_seen() -> None:
    for ink, ground in (("black", (255, 255, 255)), ("white", (0, 0, 0))):
        picture = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
        ImageDraw.Draw(picture).rectangle((10, 10, 29, 29), fill=ink)
        flat = opened(normalise(save(picture, "PNG"), KIMI).data)
        assert flat.getpixel((0, 0)) == ground
        assert flat.getpixel((20, 20)) == ((0, 0, 0) if ink == "black" else (255, 255, 255))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_the_first_frame_of_an_animation_is_used_and_that_is_reported(kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    normal = normalise(save(frames[0], kind, save_all=True, append_images=frames[1:]), KIMI)
    assert is_red(opened(normal.data).convert("RGB").getpixel((5, 5)))
    assert normal.left_out_frames == 2


def refusal(data: bytes) -> str:
    with pytest.raises(PictureError) as error:
        normalise(data, KIMI)
    return error.value.key


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def test_a_file_that_is_no_picture_is_rejected() -> None:
    assert refusal(b"") == "picture_empty"
    assert refusal(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>") == "picture_unknown"
    assert refusal(b"<!doctype html><script>alert(1)</script>") == "picture_unknown"
    assert refusal(b"\x89PNG\r\n\x1a\n and no more") in {"picture_unknown", "picture_broken"}
    assert refusal(save(corner(), "ICO")) == "picture_unknown"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "HEIF", "BMP", "GIF"])
def test_a_file_that_was_cut_short_is_refused(kind: str) -> None:
    whole = save(shop_sign("川味小馆"), kind)
    assert refusal(whole[: len(whole) // 2]) in {"picture_broken", "picture_unknown"}


def test_bombs_are_refused_before_they_go_off() -> None:
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    assert MAX_PIXELS < 30_000 * 30_000
    assert refusal(bomb + png_chunk(b"IEND", b"")) == "picture_too_large"
    text = b"Comment\0\0" + zlib.compress(b"x" * 200_000_000)
    small = save(corner(), "PNG")
    assert refusal(small[:33] + png_chunk(b"zTXt", text) + small[33:]) == "picture_broken"


def test_what_hides_behind_a_picture_does_not_get_through() -> None:
    for kind in ("PNG", "JPEG"):
        polyglot = save(corner(), kind) + b"<script>alert(1)</script>"
        assert b"script" not in normalise(polyglot, KIMI).data


def pdf(pages: int, size: tuple[int, int] = (595, 842)) -> bytes:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(*size)
    file = io.BytesIO()
    document.save(file)
    document.close()
    return file.getvalue()


def test_pages_of_a_pdf_are_drawn_up_to_the_limit() -> None:
    data = pdf(5)
    assert is_pdf(data)
    pages = draw_pages(data, WIDE, most=3)
    assert (len(pages.pictures), pages.total) == (3, 5)
    assert pages.pictures[0].width == pytest.approx(595 * 200 / 72, abs=2)
    small = draw_pages(data, KIMI, most=1).pictures[0]
    assert 0.99 * KIMI.pixels < small.width * small.height <= KIMI.pixels


def test_a_huge_page_is_drawn_small() -> None:
    [page] = draw_pages(pdf(1, (14_000, 14_000)), WIDE, most=1).pictures
    assert page.width * page.height <= 25_000_000


@pytest.mark.parametrize("data", [b"%PDF-1.7 and nothing else", pdf(1)[:200]])
def test_a_broken_pdf_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match="pdf_broken"):
        draw_pages(data, KIMI, 5)
