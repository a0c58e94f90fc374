"""Logs: a rotation loses nothing, neither in the files nor for a process that follows them."""

import resource
from pathlib import Path

import pytest

from engine.system.logs import KEEP, More, RotatingLog, follow, more, tail


def test_a_rotation_loses_no_line_and_keeps_the_newest_files(tmp_path: Path) -> None:
    path = tmp_path / "llm.log"
    log = RotatingLog(path, limit=1000)
    for number in range(300):
        log.write(f"line {number:06}\n".encode())
    log.close()
    files = [path.with_name(f"llm.log.{n}") for n in range(KEEP, 0, -1)] + [path]
    kept = [line for file in files if file.exists() for line in file.read_text().splitlines()]
    assert kept == [f"line {number:06}" for number in range(300 - len(kept), 300)]
    assert not path.with_name(f"llm.log.{KEEP + 1}").exists()


def test_a_line_is_never_cut_by_a_rotation(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "a.log", limit=10)
    log.write(b"a half line longer than the limit")
    log.write(b" and its end\n")
    log.close()
    assert (tmp_path / "a.log.1").read_text() == "a half line longer than the limit and its end\n"


def test_lines_lost_on_a_full_disk_are_reported_once_there_is_room(tmp_path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    try:
        log = RotatingLog(tmp_path / "a.log", limit=1_000_000)
        log.write(b"one\n")
        log.write(b"x" * 200 + b"\n")
        log.write(b"y" * 50 + b"\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.write(b"three\n")
    log.close()
    text = (tmp_path / "a.log").read_text()
    assert text.startswith("one\n")
    assert "bytes are missing here: File too large]" in text
    assert text.endswith("three\n")


def test_a_log_that_can_not_be_opened_or_moved_ends_nothing(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "missing" / "a.log", limit=10)
    log.write(b"a line that is long enough\n")
    (tmp_path / "missing").mkdir()
    (tmp_path / "missing" / "a.log.1").mkdir()
    log.write(b"another line\n")
    log.write(b"a third one\n")
    log.close()
    assert "a third one" in "".join(
        path.read_text() for path in (tmp_path / "missing").glob("a.log*") if path.is_file()
    )


def test_the_tail_is_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"{n}\n" for n in range(1000)))
    assert tail(path, 3) == ["997", "998", "999"]
    assert tail(tmp_path / "absent.log", 3) == []
    path.write_text("")
    assert tail(path, 3) == []
    path.write_text("one\n\nhalf a line")
    assert tail(path, 3) == ["one", "", "half a line"]


def test_only_a_newline_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("first\n", newline="")
    at = more(path, "", 1).at
    drawn = ["0%\r50%\r100%", "a\x0bb\x0cc\x85d\u2028e", ""]
    with path.open("a", newline="") as file:
        file.write("\n".join(drawn) + "\n")
    assert more(path, at, 1).lines == drawn
    assert tail(path, 3) == drawn


def test_following_continues_across_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    log = RotatingLog(path, limit=50)
    log.write(b"earlier\n")
    rounds = iter(range(6))

    def write_more(_: float) -> None:
        number = next(rounds, None)
        if number is None:
            raise KeyboardInterrupt
        log.write(f"round {number} {'x' * 30}\n".encode())

    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        for _path, line in follow([path], write_more):
            seen.append(line.split(" x")[0])
    assert seen == [f"round {n}" for n in range(6)]
    log.close()


def test_more_of_a_log_is_what_came_since_also_across_a_rotation(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    assert more(path, "", 10) == More([], "")
    log = RotatingLog(path, limit=60)
    log.write(b"one\ntwo\nthree\n")
    seen = more(path, "", 2)
    assert seen.lines == ["two", "three"]
    assert more(path, seen.at, 2).lines == []
    log.write(b"four\nhalf a ")
    seen = more(path, seen.at, 2)
    assert seen.lines == ["four"]
    log.write(b"line\n" + b"x" * 60 + b"\n")
    log.write(b"in the new file\n")
    seen = more(path, seen.at, 2)
    assert seen.lines == ["half a line", "x" * 60, "in the new file"]
    assert more(path, seen.at, 2).lines == []
    assert more(path, "77:3", 1).lines == ["in the new file"]
    inode = path.stat().st_ino
    for offset in ("²", "9" * 18, "9" * 25, "9" * 5000, "-1", ""):
        assert more(path, f"{inode}:{offset}", 1).lines == ["in the new file"]
    log.close()


def test_a_line_longer_than_one_read_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("one\n")
    at = more(path, "", 1).at
    long = "x" * 2_500_000
    with path.open("a") as file:
        file.write(f"{long}\nthe last\n")
    seen: list[str] = []
    for _ in range(3):
        found = more(path, at, 1)
        seen, at = seen + found.lines, found.at
    assert "".join(seen[:-1]) == long
    assert seen[-1] == "the last"
