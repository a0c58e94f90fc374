"""`./start.sh ocr` on the whole product with the real reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.instruments.pictures import png, shop_sign
from tests.instruments.product import Product, running_product


def results(path: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return {Path(line["file"]).name: line for line in lines}


def test_a_folder_is_read_and_what_failed_is_tried_again(tmp_path: Path) -> None:
    folder, out = tmp_path / "scans", tmp_path / "out.jsonl"
    folder.mkdir()
    (folder / "tea.png").write_bytes(png(shop_sign("TEA HOUSE", "since 1987")))
    (folder / "broken.png").write_bytes(png(shop_sign("LATER", "shop"))[:300])
    pages = [shop_sign(f"PAGE {number}", "of six") for number in range(1, 7)]
    pages[0].save(folder / "six.pdf", save_all=True, append_images=pages[1:])
    with running_product(tmp_path / "workspace") as product:
        first = product.run("ocr", str(folder), "--out", str(out))
        assert first.returncode == 1, first.stderr
        assert "2 of 3 files read" in first.stderr
        found = results(out)
        assert found["tea.png"]["answer"].startswith("TEA HOUSE")
        assert "broken.png" in found["broken.png"]["error"]
        assert found["six.pdf"]["pages"] == 6
        places = [found["six.pdf"]["answer"].index(f"PAGE {number}") for number in range(1, 7)]
        assert places == sorted(places)
        _only_what_failed_is_read_again(product, folder, out)
        assert list((product.workspace / "uploads").glob("batch-*")) == []


def _only_what_failed_is_read_again(product: Product, folder: Path, out: Path) -> None:
    before = results(out)
    (folder / "broken.png").write_bytes(png(shop_sign("LATER", "shop")))
    second = product.run("ocr", str(folder / "broken.png"), "--out", str(out))
    assert second.returncode == 0, second.stderr
    after = results(out)
    assert "LATER" in after["broken.png"]["answer"]
    assert {name: after[name] for name in ("tea.png", "six.pdf")} == {
        name: before[name] for name in ("tea.png", "six.pdf")
    }
    assert product.run("ocr", str(folder), "--out", str(out)).returncode == 1, "complete results are not written over"


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        (["ocr", "gone.png", "--out", "x.csv"], 2, "No picture and no PDF was found in gone.png"),
        (["ocr", ".", "--out", "x.txt"], 2, "must end in .jsonl, .csv, .md"),
    ],
)
def test_wrong_usage_is_one_sentence(tmp_path: Path, words: list[str], status: int, reason: str) -> None:
    ended = Product(tmp_path / "workspace").run(*words)
    assert ended.returncode == status
    assert reason in " ".join(ended.stderr.split())
