"""Answers to put into a conversation."""

from __future__ import annotations

from app.talk.parts import Part, Reasoning, Text


def parts_of(reasoning: str = "", text: str = "") -> list[Part]:
    """The parts of an answer with this reasoning, if any, followed by this text, if any."""
    parts: list[Part] = []
    if reasoning:
        parts.append(Reasoning(reasoning))
    if text:
        parts.append(Text(text))
    return parts
