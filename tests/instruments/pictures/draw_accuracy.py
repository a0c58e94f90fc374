"""Draws the pictures of `./start.sh eval ocr`.

`python -m tests.instruments.pictures.draw_accuracy` writes engine/measure/accuracy/pictures/.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from engine.measure.accuracy.sets import MANIFEST, OUR_PICTURES
from tests.instruments.pictures.case import Case
from tests.instruments.pictures.collection import cases

SEED = 10
"""Neither the seed of the reader's own test, nor those used while working on the reader."""
LARGEST = 45_000
"""In bytes: the pictures are part of the product."""


def shipped() -> Iterator[Case]:
    """For each scene and language one picture, weathered where that is not too large, else clean."""
    chosen: dict[str, Case] = {}
    for case in cases(SEED):
        if len(case.data) <= LARGEST:
            chosen["-".join(case.name.split("-")[:2])] = case
    yield from chosen.values()


def main() -> None:
    """Writes them."""
    OUR_PICTURES.mkdir(exist_ok=True)
    for old in OUR_PICTURES.iterdir():
        old.unlink()
    texts = {}
    for case in shipped():
        name = f"{case.name}.{case.media_type.partition('/')[2]}"
        (OUR_PICTURES / name).write_bytes(case.data)
        texts[name] = case.transcript
    (OUR_PICTURES / MANIFEST).write_text(json.dumps(texts, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
