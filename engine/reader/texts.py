"""What the reader says to people, in English and Chinese."""

from typing import Literal

Language = Literal["en", "zh"]

_TEXTS: dict[str, tuple[str, str]] = {
    "waiting": ("Waiting: {ahead} picture(s) before this one.", "排队中:前面还有 {ahead} 张图片。"),
    "number": ("Picture {number} of {count}:", "第 {number} 张图片,共 {count} 张:"),
    "picture": ("Reading a picture of {width} × {height} pixels.", "正在读取 {width} × {height} 像素的图片。"),
    "lines": ("Found {total} line(s) of text; {done} read.", "找到 {total} 行文字,已读 {done} 行。"),
    "read": ("Read {lines} line(s), confidence {confidence:.0%}.", "读出 {lines} 行,置信度 {confidence:.0%}。"),
    "known": ("This picture was read before.", "这张图片已经读过。"),
    "no_text": ("There is no readable text in the picture.", "图片中没有可识别的文字。"),
    "no_picture": (
        "This engine reads the text in pictures: attach one and ask about it.",
        "本引擎读取图片中的文字:请上传一张图片再提问。",
    ),
}


def language(question: str) -> Language:
    """Return the language to answer in: Chinese for a question with Chinese characters, else English."""
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in question) else "en"


def say(name: str, lang: Language, **values: object) -> str:
    """Return the text `name` in `lang` with its values filled in."""
    return _TEXTS[name][lang == "zh"].format(**values)
