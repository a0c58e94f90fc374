"""What the reader says to people, in English and Chinese."""

from typing import Literal

Language = Literal["en", "zh"]

_TEXTS: dict[str, tuple[str, str]] = {
    # While it reads.
    "waiting": ("Waiting: {ahead} picture(s) before this one.", "排队中：前面还有 {ahead} 张图片。"),
    "number": ("Picture {number} of {count}:", "第 {number} 张图片，共 {count} 张："),
    "picture": ("Reading a picture of {width} × {height} pixels.", "正在读取 {width} × {height} 像素的图片。"),
    "found": ("Found {total} line(s).", "找到 {total} 行文字。"),
    "lines": ("Read {done} of {total}.", "已读 {done}/{total} 行。"),
    "turned": ("That reads badly; trying it turned by {degrees}°.", "识别效果不佳，正在尝试旋转 {degrees}°。"),
    "turn_kept": (
        "Turned by {degrees}° it reads well, confidence {confidence:.0%}.",
        "旋转 {degrees}° 后识别良好，置信度 {confidence:.0%}。",
    ),
    "read": ("{lines} line(s) of text, confidence {confidence:.0%}.", "共 {lines} 行文字，置信度 {confidence:.0%}。"),
    "known": ("This picture was read before.", "这张图片已经读过。"),
    "searching": ("Looking for the lines that answer the question.", "正在查找与问题相关的文字。"),
    # The answer.
    "of_picture": ("Picture {number}:", "第 {number} 张图片："),
    "of_frame": ("At {time}:", "{time} 处："),
    "no_text": ("No text was found in the picture.", "图片中没有找到文字。"),
    "no_match": (
        "No line of text matches the question. In the largest print:",
        "没有与问题相符的文字。字号最大的文字是：",
    ),
    "weak_match": (
        "No line clearly answers this. Closest, by its print:",
        "没有明确回答该问题的文字。从字号看最接近的是：",
    ),
    "no_scene": (
        "This engine reads text only and cannot tell what a picture shows. A vision model such as Kimi-VL can: the "
        "help of the page says how to get one.",
        "本引擎只能读取文字，无法判断图片画面的内容。Kimi-VL 等视觉模型可以：获取方法见页面的帮助。",
    ),
    "no_table": ("No table was found in the picture.", "图片中没有找到表格。"),
    "help": (
        "This engine reads the text in pictures: attach one and ask for all the text, for a table, or for a line of "
        "it, such as a total, a date or a phone number.",
        "本引擎读取图片中的文字：请上传一张图片，然后要求读出全部文字、提取表格，或询问其中的一项，例如合计、日期或电话号码。",
    ),
    "foreign": (
        "Some of the text is in a script that this engine does not know: it reads Chinese, English, Japanese and other "
        "Latin script, not Korean, Cyrillic, Greek, Hebrew, Arabic or Thai.",
        "部分文字的书写系统不受支持：本引擎可识别中文、英文、日文及其他拉丁字母文字，不能识别韩文、西里尔文、希腊文、希伯来文、阿拉伯文和泰文。",
    ),
    "too_slow": (
        "The picture took longer than {seconds:.0f} s to read; try a smaller one or a part of it.",
        "读取这张图片超过了 {seconds:.0f} 秒，请换一张较小的图片或只截取其中一部分。",
    ),
}


def language(question: str) -> Language:
    """Return the language to answer in: Chinese for a question with Chinese characters, else English."""
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in question) else "en"


def say(name: str, lang: Language, **values: object) -> str:
    """Return the text `name` in `lang` with its values filled in."""
    return _TEXTS[name][lang == "zh"].format(**values)
