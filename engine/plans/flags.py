"""Command lines as values: a later flag replaces an earlier one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_SHORT = {"-tp": "--tensor-parallel-size", "-pp": "--pipeline-parallel-size", "-dp": "--data-parallel-size"}
_SHORT |= {"-ep": "--enable-expert-parallel", "--tp": "--tp-size"}
_UNITS = {"k": 1000, "m": 1000**2, "K": 1024, "M": 1024**2}
Flag = tuple[str, ...]
"""A flag and its values."""


@dataclass(frozen=True)
class FlagNames:
    """An engine's names for the flags that we look up in its command line; empty: it has none."""

    weights: str = ""
    """The folder of the weights."""
    length: str = ""
    """Prompt and answer together, in tokens."""
    sequences: str = ""
    """How many requests it works on at once."""
    tensor: str = ""
    """The number of devices over which each layer is spread."""


NO_FLAGS = FlagNames()


def split(argv: Sequence[str]) -> list[Flag]:
    """`["--a", "1", "--b"]` → `[("--a", "1"), ("--b",)]`; `--a=1` is `("--a", "1")`.

    Words before the first flag are an entry of their own.
    """
    found: list[list[str]] = []
    for part in argv:
        if part.startswith("-") and not _is_number(part):
            name, *joined = part.split("=", 1) if part.startswith("--") else [part]
            name = name.replace("_", "-")  # vLLM accepts both spellings
            found.append([_SHORT.get(name, name), *joined])
        elif found:
            found[-1].append(part)
        else:
            found.append([part])
    return [tuple(flag) for flag in found]


def merge(argv: Sequence[str], more: Sequence[str]) -> list[str]:
    """`argv` with `more`: an existing flag is replaced in its place, a new one is added at the end."""
    flags = split(argv)
    for flag in split(more):
        same = [index for index, other in enumerate(flags) if _topic(other[0]) == _topic(flag[0])]
        if same:
            flags[same[0]] = flag
        else:
            flags.append(flag)
    return [part for flag in flags for part in flag]


def value(argv: Sequence[str], name: str) -> str | None:
    """The flag's value: empty if it takes none, None if it is absent."""
    for flag in split(argv):
        if flag[0] == name:
            return " ".join(flag[1:])
    return None


def number(argv: Sequence[str], name: str) -> int | None:
    """The flag's value as an integer, where `32k` is 32,000 and `32K` is 32,768; None if it is not one."""
    text = value(argv, name) or ""
    unit = _UNITS.get(text[-1:], 1)
    digits = text[:-1] if unit > 1 else text
    return int(digits) * unit if digits.isdigit() else None


def _topic(name: str) -> str:
    # --no-enable-x and --enable-x set the same option.
    return name.replace("--no-", "--", 1)


def _is_number(part: str) -> bool:
    return part.lstrip("-").replace(".", "", 1).isdigit()
