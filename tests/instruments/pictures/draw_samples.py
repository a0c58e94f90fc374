"""Draws the sample pictures of the starters.

`python -m tests.instruments.pictures.draw_samples` writes app/presets/samples/.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw

from tests.instruments.pictures import font, receipt, shop_sign

SIGN = "川味小馆"
TOTAL = "46.50"


def table() -> Image.Image:
    """A price list with four columns."""
    rows = [
        ("Item", "Size", "Stock", "Price"),
        ("Jasmine tea", "250 g", "18", "6.40"),
        ("Green tea", "500 g", "7", "11.90"),
        ("Oolong", "100 g", "32", "9.80"),
        ("Pu-erh", "357 g", "4", "24.00"),
    ]
    widths, height = (260, 140, 120, 130), 58
    picture = Image.new("RGB", (sum(widths) + 40, height * len(rows) + 40), "white")
    draw = ImageDraw.Draw(picture)
    for y, row in enumerate(rows):
        x = 20
        for width, words in zip(widths, row, strict=True):
            box = (x, 20 + y * height, x + width, 20 + (y + 1) * height)
            draw.rectangle(box, outline="#555", width=2, fill="#e8eef2" if y == 0 else None)
            draw.text((x + 14, box[1] + height / 2), words, font=font(28), fill="#111", anchor="lm")
            x += width
    return picture


def page() -> Image.Image:
    """A short notice in two languages."""
    lines = [
        ("Opening hours", 44),
        ("Monday to Friday: 9:00 to 18:30", 30),
        ("Saturday: 10:00 to 16:00", 30),
        ("Closed on Sundays and public holidays.", 30),
        ("营业时间", 44),
        ("周一至周五：9:00 至 18:30", 30),
        ("周六：10:00 至 16:00", 30),
        ("周日及法定节假日休息。", 30),
    ]
    picture = Image.new("RGB", (760, 560), "#fdfdf8")
    draw, y = ImageDraw.Draw(picture), 60
    for words, size in lines:
        draw.text((60, y), words, font=font(size), fill="#1b1b1b", anchor="lm")
        y += 62
    return picture


def dialog() -> Image.Image:
    """A dialog with three buttons."""
    picture = Image.new("RGB", (760, 420), "#8fa3b0")
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((60, 60, 700, 360), 16, fill="#ffffff", outline="#4a5a66", width=2)
    draw.text((100, 115), "Save changes?", font=font(36), fill="#111", anchor="lm")
    draw.text((100, 180), "report.txt has changed since it was opened.", font=font(26), fill="#333", anchor="lm")
    for left, words, fill, ink in [
        (140, "Don't save", "#e6eaed", "#111"),
        (320, "Cancel", "#e6eaed", "#111"),
        (500, "Save", "#1f6f9f", "#fff"),
    ]:
        draw.rounded_rectangle((left, 255, left + 160, 320), 10, fill=fill, outline="#4a5a66", width=2)
        draw.text((left + 80, 287), words, font=font(26), fill=ink, anchor="mm")
    return picture


def main() -> None:
    """Writes all of them."""
    folder = Path(__file__).parents[3] / "app" / "presets" / "samples"
    rows = [("Jasmine tea", "6.40"), ("Dumplings x2", "25.60"), ("Noodle soup", "14.50")]
    pictures = {
        "sign": shop_sign(SIGN, "Sichuan Kitchen"),
        "receipt": receipt("Corner Kitchen", rows, [f"Total: {TOTAL}", "2026-11-21 12:40"]),
        "table": table(),
        "page": page(),
        "dialog": dialog(),
    }
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
