"""Lines of text as Markdown shows them unchanged."""

import re


def fenced(lines: list[str], kind: str = "") -> str:
    """Return `lines` as a Markdown code block of a kind; its fence is longer than any run of backticks in them."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return "\n".join([fence + kind, *lines, fence])


def escaped(text: str) -> str:
    """Return a line of text such that Markdown shows it as it is."""
    text = re.sub(r"([\\`*<\[~])|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text)
    # At the start of a line these would make a heading, a list or a quote.
    return re.sub(r"^(#{1,6}(?=\s|$)|[-+>]|\d+(?=[.)]\s)(?=.))", _guarded, text)


def _guarded(mark: re.Match[str]) -> str:
    return mark[0] + "\\" if mark[0].isdigit() else "\\" + mark[0]
