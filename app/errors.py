"""Exceptions of any route that `app.access.limits.malformed` turns into responses."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - not an error of the page
    """A request is rejected: `key` names the message for the user, `status` is HTTP's."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.values = values


class HistoryError(Exception):
    """The database of chats failed; `__cause__` has the reason."""
