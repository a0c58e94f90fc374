"""Malformed and hostile files by name; each is built on request, always the same."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from pillow_heif import register_heif_opener

from tests.instruments.pictures import shop_sign

register_heif_opener()

PNG_MARK = b"\x89PNG\r\n\x1a\n"
KINDS = ("PNG", "JPEG", "WEBP", "TIFF", "HEIF", "BMP", "GIF", "PDF")
Build = Callable[[], bytes]


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """The picture as a file of this kind."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@cache
def whole(kind: str) -> bytes:
    """An honest file of this kind."""
    if kind != "PDF":
        return saved(shop_sign("川味小馆").resize((160, 90)), kind)
    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 300)
    file = io.BytesIO()
    document.save(file)
    document.close()
    return file.getvalue()


def cut(kind: str, part: float) -> bytes:
    """The first `part` of an honest file; at least a byte of it."""
    data = whole(kind)
    return data[: max(1, int(len(data) * part))]


def flipped(kind: str, seed: int) -> bytes:
    """An honest file, some of whose bytes are others."""
    chance, data = random.Random(seed), bytearray(whole(kind))
    for _ in range(chance.choice([1, 3, 30])):
        # The first bytes hold the sizes and the tables.
        data[chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 400))] = chance.randrange(256)
    return bytes(data)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of these chunks, each with its right checksum."""
    parts = [PNG_MARK]
    for kind, body in chunks:
        parts += struct.pack(">I", len(body)), kind, body, struct.pack(">I", zlib.crc32(kind + body))
    return b"".join(parts)


@cache
def bomb() -> bytes:
    """A few hundred kilobytes that become a hundred megabytes."""
    return zlib.compress(bytes(100_000_000), 1)


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> tuple[bytes, bytes]:
    """The chunk that says how large a PNG is."""
    return b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)


def png_that_claims(width: int, height: int) -> bytes:
    """A small PNG that says it is this large."""
    return png(png_header(width, height), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """An honest PNG with further chunks behind its header."""
    data = whole("PNG")
    return data[:33] + png(*chunks)[len(PNG_MARK) :] + data[33:]


def frames(kind: str, number: int) -> bytes:
    """An animation."""
    pictures = [Image.new("P", (16, 16), n % 256) for n in range(number)]
    if kind != "GIF":
        pictures = [picture.convert("RGB") for picture in pictures]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:])


def pdf_of(number: int, *, count: int | None = None, size: str = "200 200", stream: bytes = b"") -> bytes:
    """A PDF whose tree names the same page `number` times, and says that it has `count` of them."""
    kids = b"3 0 R " * number
    content = zlib.compress(stream)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [" + kids + b"] /Count %d >>" % (number if count is None else count),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 " + size.encode() + b"] /Contents 4 0 R >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n" % len(content) + content + b"\nendstream",
    ]
    data, places = b"%PDF-1.7\n", []
    for at, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n" % at + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"xref\n0 5\n0000000000 65535 f \n" + table + b"trailer\n<< /Size 5 /Root 1 0 R >>\n"
    return data + end + b"startxref\n%d\n%%%%EOF\n" % len(data)


def gif_that_claims(width: int, height: int) -> bytes:
    """A GIF whose screen is this large, with a picture of one point."""
    return (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
        + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02D\x01\0;"
    )  # fmt: skip


def bmp_that_claims(width: int, height: int) -> bytes:
    """A BMP with next to no pixels."""
    return b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def with_exif(exif: bytes, kind: str = "JPEG") -> bytes:
    """An honest picture with these bytes as its EXIF."""
    return saved(shop_sign("x").resize((64, 48)), kind, exif=exif)


def exif_orientation(value: int, *, of_type: int = 3, count: int = 1) -> bytes:
    """EXIF with one entry: the orientation, of whatever type."""
    return (
        b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 0x0112, of_type, count, value)
        + struct.pack("<I", 8)  # the next directory is this one again
    )  # fmt: skip


def zipped(name: str = "x.txt", size: int = 1000) -> bytes:
    """A ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"\0" * size)
    return file.getvalue()


SCRIPT = b"<!doctype html><script>fetch('/user')</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
NO_PICTURES: dict[str, bytes] = {
    "html": SCRIPT,
    "html in utf-16": SCRIPT.decode().encode("utf-16"),
    "svg": SVG,
    "svg with a declaration": b"<?xml version='1.0'?>" + SVG,
    "svg in gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zlib.compress(SVG),
    "xml with an entity bomb": b"<!DOCTYPE a [<!ENTITY b 'b'><!ENTITY c '&b;&b;'>]><a>&c;</a>",
    "script": b"alert(1)",
    "program": b"\x7fELF" + b"\0" * 200,
    "windows program": b"MZ" + b"\0" * 200,
    "shell": b"#!/bin/sh\nrm -rf /\n",
    "zip": zipped(),
    "zip bomb": zipped(size=20_000_000),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
    "xbm": b"#define x_width 8\n#define x_height 8\nstatic char x_bits[] = {0};",
    "ppm": b"P6 2 2 255 " + b"\0" * 12,
    "icon": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0\x68\4\0\0\x16\0\0\0",
    "photoshop": b"8BPS\0\1" + b"\0" * 40,
    "mp4": b"\0\0\0\x18ftypmp42" + b"\0" * 40,
    "text": "川味小馆".encode(),
    "zeros": b"\0" * 100_000,
    "one byte": b"\x89",
    "mark of png alone": PNG_MARK,
    "mark of jpeg alone": b"\xff\xd8\xff",
    "mark of gif alone": b"GIF89a",
    "mark of pdf alone": b"%PDF-1.7",
    "mark of heif alone": b"\0\0\0\x18ftypheic\0\0\0\0",
    "mark of webp alone": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "mark of tiff alone": b"II*\0\x08\0\0\0",
}


def _polyglots() -> Iterator[tuple[str, Build]]:
    for kind in KINDS:
        yield f"{kind} and html behind it", partial(lambda kind: whole(kind) + SCRIPT, kind)
        yield f"{kind} and zip behind it", partial(lambda kind: whole(kind) + zipped(), kind)
        yield f"html before {kind}", partial(lambda kind: SCRIPT + whole(kind), kind)
    yield "PDF inside PNG", lambda: png_with((b"tEXt", b"Comment\0" + whole("PDF")))
    yield "GIF that is javascript", lambda: b"GIF89a/*" + whole("GIF")[8:] + b"*/=1;alert(1)"
    yield "JPEG with php in its comment", lambda: saved(shop_sign("x"), "JPEG", comment=b"<?php system($_GET[0]);?>")
    yield "PNG with html in its text", lambda: png_with((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + SCRIPT))


def _bombs() -> Iterator[tuple[str, Build]]:
    for width, height in [(30_000, 30_000), (2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (0, 0), (1, 0), (100_000, 100_000)]:
        yield f"PNG that claims {width} x {height}", partial(png_that_claims, width, height)
        small = min(width, 65535), min(height, 65535)
        yield f"GIF that claims {small[0]} x {small[1]} ({width})", partial(gif_that_claims, *small)
        yield f"BMP that claims {width} x {height}", partial(bmp_that_claims, width, height)
        yield f"BMP that claims {width} x -{height}", partial(bmp_that_claims, width, -height)
    for name in (b"zTXt", b"iCCP"):
        yield f"PNG with a bomb in {name.decode()}", partial(lambda name: png_with((name, b"C\0\0" + bomb())), name)
    yield "PNG with a bomb in iTXt", lambda: png_with((b"iTXt", b"C\0\1\0\0\0" + bomb()))
    yield "PNG with 100,000 chunks", lambda: png_with(*[(b"tEXt", b"a\0b")] * 100_000)
    yield "PNG whose data are a bomb", lambda: png(png_header(8, 8), (b"IDAT", bomb()), (b"IEND", b""))
    yield "GIF with 3,000 frames", partial(frames, "GIF", 3000)
    yield "TIFF with 500 pages", partial(frames, "TIFF", 500)
    yield "PNG with 500 frames", partial(frames, "PNG", 500)
    yield "PDF with a million pages", partial(pdf_of, 1_000_000)
    yield "PDF that claims a million pages", partial(pdf_of, 1, count=1_000_000)
    yield "PDF that claims fewer than no pages", partial(pdf_of, 1, count=-5)
    yield "PDF without a page", partial(pdf_of, 0)
    yield "PDF with a page of a square mile", partial(pdf_of, 1, size="4500000 4500000")
    yield "PDF with a page of no size", partial(pdf_of, 1, size="0 0")
    yield "PDF with a page as thin as a hair", partial(pdf_of, 1, size="1 14400")
    yield "PDF with a page of nonsense", partial(pdf_of, 1, size="NaN -Infinity")
    yield "PDF whose page is a bomb", partial(pdf_of, 1, stream=b" " * 50_000_000)
    yield "PDF that draws a great deal", partial(pdf_of, 1, stream=b"0 0 m 200 200 l S\n" * 2_000)


def _shapes() -> Iterator[tuple[str, Build]]:
    for width, height in [(1, 1), (1, 20_000), (20_000, 1), (2, 60_000), (7155, 3), (65_000, 1), (3, 7154), (1, 2)]:
        for kind in ("PNG", "JPEG"):
            yield f"{kind} of {width} x {height}", partial(_plain, kind, width, height)
    for mode in ("1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "I;16", "F"):
        yield f"TIFF in {mode}", partial(lambda mode: saved(Image.new(mode, (33, 21)), "TIFF"), mode)
    yield "JPEG in CMYK", lambda: saved(Image.new("CMYK", (33, 21), (9, 90, 200, 0)), "JPEG")
    for colour, samples in ((0, 1), (2, 3), (4, 2), (6, 4)):
        rows = b"".join(b"\0" + bytes(5 * samples * 2) for _ in range(4))
        build = partial(
            lambda colour, rows: png(png_header(5, 4, 16, colour), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")),
            colour, rows,
        )  # fmt: skip
        yield f"PNG of 16 bits, colour type {colour}", build
    yield (
        "PNG with a palette that is too short",
        lambda: png(
            png_header(4, 1, 8, 3),
            (b"PLTE", b"\0\0\0"),
            (b"IDAT", zlib.compress(b"\0\xff\xff\xff\xff")),
            (b"IEND", b""),
        ),
    )
    yield "PNG with a palette and a transparent colour", lambda: saved(Image.new("P", (8, 8), 3), "PNG", transparency=3)
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        yield f"{kind} of 3 frames", partial(frames, kind, 3)


def _plain(kind: str, width: int, height: int) -> bytes:
    return saved(Image.new("L", (width, height), 128), kind)


def _exifs() -> Iterator[tuple[str, Build]]:
    for value in (0, 1, 6, 9, 255, 65535):
        yield f"EXIF with orientation {value}", partial(lambda value: with_exif(exif_orientation(value)), value)
    for of_type in (1, 2, 4, 5, 7, 9, 12, 99):
        exif = exif_orientation(6, of_type=of_type, count=1)
        yield f"EXIF with an orientation of type {of_type}", partial(with_exif, exif)
    yield "EXIF with four thousand million orientations", lambda: with_exif(exif_orientation(6, count=2**32 - 1))
    yield "EXIF of nothing", lambda: with_exif(b"Exif\0\0")
    yield "EXIF of rubbish", lambda: with_exif(b"Exif\0\0" + random.Random(1).randbytes(5000))
    yield "EXIF that ends at once", lambda: with_exif(exif_orientation(6)[:17])
    yield "EXIF with a directory far away", lambda: with_exif(b"Exif\0\0II*\0\xff\xff\xff\x7f")
    yield "EXIF with 60,000 bytes", lambda: with_exif(exif_orientation(6) + b"\0" * 60_000)
    yield "EXIF of rubbish in a PNG", lambda: with_exif(random.Random(2).randbytes(500), "PNG")
    yield "EXIF of rubbish in a WEBP", lambda: with_exif(b"Exif\0\0" + random.Random(3).randbytes(500), "WEBP")


def quick() -> list[tuple[str, Build]]:
    """What every run tries: more than three hundred with the names of files."""
    parts = (0.001, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.99, 0.999)
    cases: list[tuple[str, Build]] = [
        (f"{kind} cut at {part}", partial(cut, kind, part)) for kind in KINDS for part in parts
    ]
    cases += [(f"{kind} with other bytes, {n}", partial(flipped, kind, n)) for kind in KINDS for n in range(8)]
    cases += [(name, partial(bytes, data)) for name, data in NO_PICTURES.items()]
    return [*cases, *_polyglots(), *_shapes(), *_exifs(), *_bombs()]


def long() -> list[tuple[str, Build]]:
    """Many more files that are cut or changed by chance."""
    cases: list[tuple[str, Build]] = [
        (f"{kind} cut at {n} of 100", partial(cut, kind, n / 100)) for kind in KINDS for n in range(1, 100, 2)
    ]
    return cases + [
        (f"{kind} with other bytes, {n}", partial(flipped, kind, n)) for kind in KINDS for n in range(8, 99)
    ]


def parameters() -> list[Any]:
    """All of them for `pytest.mark.parametrize`, the many ones marked as long."""
    short = [pytest.param(build, id=name) for name, build in quick()]
    return short + [pytest.param(build, id=name, marks=pytest.mark.long) for name, build in long()]


NAMES = [
    "../../../etc/passwd", "..", ".", "/", "", "\x00", "a\x00.png", "a\n.png", "a\r\nSet-Cookie: x=1", "\u202egnp.exe",
    "a" * 10_000, "a" * 10_000 + ".png", "..\\..\\windows\\system32\\x.png", "C:\\x.png", "CON", "-rf", "~root/x.png",
    "%2e%2e%2fx.png", "a/../../b.png", "<script>alert(1)</script>.png", "![x](http://evil.example/x.png)",
    "`rm -rf /`", "$(id)", "a\u2028b", "\ufeff", "店招.png", "\ud800.png", "😀" * 500, " ", ".htaccess", "a;b|c&d",
]  # fmt: skip
