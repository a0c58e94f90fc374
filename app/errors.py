"""What a route of any part may raise for `app.access.limits.malformed` to answer."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - not a fault of the page's
    """A request is refused: `key` names the sentence for the person, `status` is HTTP's."""

    def __init__(self, status: int, key: str, **values: object) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.values = values


class HistoryError(Exception):
    """The database of chats could not do what was asked; `__cause__` has its reason."""
