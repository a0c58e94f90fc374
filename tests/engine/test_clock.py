"""The running product while the system clock is changed: a year ahead, and back to before its start."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from tests.engine.test_faults import finished
from tests.instruments import bad_files
from tests.instruments.product import running_product
from tests.instruments.visitor import Visitor

YEAR = 366 * 86400


@pytest.fixture
def clock(tmp_path: Path) -> dict[str, str]:
    """The environment of a process whose clock `set_clock` sets."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("the clock that can be set needs a C compiler")
    library, source = tmp_path / "clock.so", Path(__file__).with_name("shifted_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return {"LD_PRELOAD": str(library), "SHIFTED_CLOCK": str(tmp_path / "shift")}


def set_clock(clock: dict[str, str], seconds: int) -> None:
    """Sets it so far from the true time."""
    path = Path(clock["SHIFTED_CLOCK"])
    (new := path.with_suffix(".new")).write_text(str(seconds))
    new.replace(path)


def seen_by_a_program(clock: dict[str, str]) -> float:
    """The time as a program sees it."""
    words = ["python3", "-c", "import time; print(time.time())"]
    return float(subprocess.run(words, env=clock, capture_output=True, text=True, check=True).stdout)


@pytest.mark.long
async def test_a_clock_that_jumps_costs_no_chat_no_picture_and_no_process(
    tmp_path: Path, clock: dict[str, str]
) -> None:
    with running_product(tmp_path / "workspace", **clock) as product:
        before = product.until_ready()
        async with Visitor(product) as visitor:
            status, reply = await visitor.upload("sign.png", "image/png", bad_files.whole("PNG"))
            assert status == 200
            assert finished(await visitor.ask("Before?", [json.loads(reply)["id"]]))
        pictures = list((product.workspace / "uploads").rglob("*.png"))
        assert pictures
        for question, shift in (("A year ahead?", YEAR), ("A year back?", -YEAR)):
            set_clock(clock, shift)
            assert abs(seen_by_a_program(clock) - time.time() - shift) < 60, "the instrument works"
            # Longer than the supervisor's checks and the page's need to notice.
            await asyncio.sleep(4)
            async with Visitor(product) as visitor:
                assert finished(await visitor.ask(question))
            reported = await asyncio.to_thread(product.run, "status")
            assert (reported.returncode, reported.stderr) == (0, "")
            assert product.status() == before
            # The page that starts now sweeps at once.
            psutil.Process(before["page"]["pid"]).kill()
            product.until(lambda status, pid=before["page"]["pid"]: status["page"]["pid"] != pid)
            before = product.until_ready()
            async with Visitor(product) as visitor:
                assert finished(await visitor.ask("And now?"))
            assert all(picture.exists() for picture in pictures)
        assert (await asyncio.to_thread(product.run, "stop")).returncode == 0
    with closing(sqlite3.connect(product.workspace / "chat.db")) as chats:
        kept = {text for (text,) in chats.execute("SELECT text FROM turns")}
    assert kept == {"Before?", "A year ahead?", "A year back?", "And now?"}
