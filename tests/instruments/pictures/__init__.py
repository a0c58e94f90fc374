"""Pictures with known text, drawn by the tests: no test needs a file from elsewhere."""

import io

from PIL import Image, ImageDraw

from tests.instruments.pictures.fonts import font

__all__ = ["font", "jpeg", "png", "receipt", "shop_sign"]


def shop_sign(text: str, subtitle: str = "", *, ink: str = "white", ground: str = "#a3201d") -> Image.Image:
    """Draw a shop's sign: `text` large in the middle, `subtitle` small below it."""
    large, small = font(110), font(40)
    width = max(640, int(max(large.getlength(text), small.getlength(subtitle))) + 160)
    picture = Image.new("RGB", (width, 340), ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((12, 12, width - 13, 327), outline=ink, width=4)
    draw.text((width / 2, 140 if subtitle else 170), text, font=large, fill=ink, anchor="mm")
    if subtitle:
        draw.text((width / 2, 265), subtitle, font=small, fill=ink, anchor="mm")
    return picture


def receipt(title: str, rows: list[tuple[str, str]], footer: list[str] | None = None) -> Image.Image:
    """Draw a till receipt: `title`, then `rows` of (item, price) with the prices right-aligned, then `footer` lines."""
    lines = footer or []
    picture = Image.new("RGB", (560, 170 + 46 * (len(rows) + len(lines))), "#fbfaf5")
    draw = ImageDraw.Draw(picture)
    draw.text((280, 60), title, font=font(40), fill="#222", anchor="mm")
    y = 120
    for item, price in rows:
        draw.text((40, y), item, font=font(28), fill="#222", anchor="lm")
        draw.text((520, y), price, font=font(28), fill="#222", anchor="rm")
        y += 46
    for line in lines:
        draw.text((280, y), line, font=font(26), fill="#222", anchor="mm")
        y += 46
    return picture


def png(picture: Image.Image) -> bytes:
    """Encode `picture` as PNG."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    """Encode `picture` as JPEG."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
