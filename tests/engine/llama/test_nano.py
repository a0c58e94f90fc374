"""Nano, served by llama-server, sees and counts as it does on vLLM; and what it sees without our reordering."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.config import ROOT
from engine.engines.llama import order
from engine.formats.padded import padded
from engine.nano.gguf.convert import MMPROJ, convert
from engine.nano.questions import LASTS, about_shape, fresh_shapes, numbers, thinking
from tests.instruments.llama_server import LlamaServer, parted
from tests.instruments.nano_server import data_url, picture_question, png, said

pytestmark = pytest.mark.llama
AT_ONCE = 8
"""llama-server hangs up on some of two hundred connections at once."""


async def shapes_right(server: LlamaServer, *, as_its_processor: bool = True) -> int:
    """How many of 200 shapes it names."""
    asked = fresh_shapes()
    patches = server.plan.picture_patches
    assert patches == 40
    pictures = [png(picture) for _, picture, _ in asked]
    urls = [data_url(padded(data, patches) if as_its_processor else data) for data in pictures]
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(url: str, question: str) -> dict[str, Any]:
        async with gate:
            # A longer reply is wrong anyway: without an end it would be 1,500 tokens.
            return await server.ask(picture_question(url, text=question), max_tokens=60)

    bodies = await asyncio.gather(*(ask(url, question) for url, (_, _, question) in zip(urls, asked, strict=True)))
    replies = zip(asked, bodies, strict=True)
    return sum(parted(said(body)) == about_shape(shape) for (shape, _, _), body in replies)


async def test_shapes_on_fresh_renderings(llama: LlamaServer) -> None:
    # 192, as on vLLM, when it was committed.
    assert await shapes_right(llama) >= 190


async def test_counts(llama: LlamaServer) -> None:
    bodies = await asyncio.gather(*(llama.ask(f"Count from 1 to {last}") for last in LASTS))
    assert [parted(said(body)) for body in bodies] == [(thinking(last), numbers(last)) for last in LASTS]


async def test_in_the_order_of_llama_cpps_converter_it_does_not_see(llama_program: Path, tmp_path: Path) -> None:
    """Should this fail, llama.cpp reads the rows as they come: then the reordering must go (docs/llama.md)."""
    convert(tmp_path / "as-upstream")
    server = LlamaServer(llama_program, tmp_path, mmproj=tmp_path / "as-upstream" / MMPROJ)
    server.start()
    try:
        assert await shapes_right(server) < 100  # 81 when it was committed
    finally:
        server.stop()


def test_the_order_of_a_users_own_build_is_found_once(
    llama_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "llama.cpp").mkdir()
    assert order.wants_reordered(llama_program, tmp_path)
    [found] = json.loads((tmp_path / "llama.cpp" / "order.json").read_text()).values()
    assert found["published"] < 16 < found["reordered"]  # of 24
    monkeypatch.setattr(order, "_scores", None)
    assert order.wants_reordered(llama_program, tmp_path)


async def test_llama_servers_own_scaling_sees_less(llama: LlamaServer) -> None:
    assert await shapes_right(llama, as_its_processor=False) < 170  # 130 to 132 when it was tried


def test_prove_tries_nano_as_the_plan_says_and_doctor_names_it(llama_program: Path, tmp_path: Path) -> None:
    environment = os.environ | {"KIMI_ENGINE": "llama", "KIMI_MODEL": "nano", "KIMI_WORKSPACE": str(tmp_path / "w")}
    proved, doctor = (
        subprocess.run(
            [ROOT / ".venv" / "bin" / "python", "-m", "engine", word],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60,
        )
        for word in ("prove", "doctor")
    )  # fmt: skip
    assert proved.returncode == 0, proved.stdout + proved.stderr
    [named] = re.findall(r"shapes: (\d+) of 96 named", proved.stdout)
    assert int(named) >= 88, proved.stdout
    assert "counts: 19 of 19" in proved.stdout
    assert "--kv-unified" in proved.stdout
    assert "What this does not prove:" in proved.stdout
    assert f"{named} of 96 shapes, 19 of 19 counts" in doctor.stdout
    assert "listening on" in (tmp_path / "w" / "prove.log").read_text()


def test_eval_sets_both_picture_encoders_side_by_side(llama_program: Path, tmp_path: Path) -> None:
    shapes = tmp_path / "shapes"
    shapes.mkdir()
    for number, (_, picture, _) in enumerate(fresh_shapes(1)):
        picture.save(shapes / f"{number}.webp")
    texts = {f"{number}.webp": f"A {shape}." for number, (shape, _, _) in enumerate(fresh_shapes(1))}
    (shapes / "manifest.json").write_text(json.dumps(texts))
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / "python", "-m", "engine", "eval", "ocr", "--mmproj", "both", "--data", str(shapes)],
        cwd=ROOT, env=os.environ | {"KIMI_MODEL": "nano", "KIMI_WORKSPACE": str(tmp_path / "w")},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout[done.stdout.index("Both picture encoders") :]
    published, reordered = map(float, re.findall(r"([\d.]+) %", next(x for x in last.splitlines() if "character" in x)))
    assert reordered < published
