"""Locks between processes; each open file is a separate holder, even within one process."""

from __future__ import annotations

import threading
from pathlib import Path

from engine.system.file_lock import locked, try_lock


def test_one_holder_at_a_time_and_a_shared_lock_beside_shared_ones_only(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open() as second, path.open() as third:
        assert try_lock(first.fileno())
        assert not try_lock(second.fileno())
        assert not try_lock(second.fileno(), shared=True)
        first.close()
        assert try_lock(second.fileno(), shared=True)
        assert try_lock(third.fileno(), shared=True)
        assert not try_lock(third.fileno())


def test_a_caller_that_finds_it_held_is_notified_and_waits(tmp_path: Path) -> None:
    path, reported, held, order = tmp_path / "lock", threading.Event(), threading.Event(), []

    def second() -> None:
        held.wait(60)
        with locked(path, reported.set):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with locked(path):
        held.set()
        assert reported.wait(60)
        order.append("first")
    thread.join(60)
    assert order == ["first", "second"]


def test_a_free_lock_is_not_waited_for(tmp_path: Path) -> None:
    reported: list[str] = []
    with locked(tmp_path / "lock", lambda: reported.append("waiting")):
        pass
    with locked(tmp_path / "lock", lambda: reported.append("waiting")):
        pass
    assert reported == []
