"""Makes what llama-server loads beside the weights that were fetched: the picture encoder in llama.cpp's order.

    python -m engine.engines.llama.finish MODEL WEIGHTS MODELS

`WEIGHTS` is the folder with the model's own files, `MODELS` where weights are kept. The last line says why not: a
`Reason` as JSON, or what the system says.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from engine.catalog import Model, Variant, find_model
from engine.engines.llama.plan import VARIANT, made_folder, mmproj_name
from engine.engines.llama.rotary import reorder
from engine.formats.gguf import GgufError, read_header
from engine.install.file_download import digest
from engine.install.weights import WeightsError

_VERSION = 1
"""Of what is made here: another number makes it again."""


def finish(model: Model, weights: Path, models: Path) -> Path:
    """The picture encoder's file that is to be loaded; made where it is not there yet.

    Raises:
        WeightsError: a file is no GGUF, or not the one whose order of rows is known.
        OSError: something can't be read or written.
    """
    variant = model.variant(VARIANT)
    made = made_folder(models)
    made.mkdir(parents=True, exist_ok=True)
    if variant is None or variant.model_file is None or variant.mmproj_file is None:
        return _nano(made)
    _check(weights / variant.model_file.name)
    return _picture_encoder(variant, weights / variant.mmproj_file.name, made / mmproj_name(model.name))


def _picture_encoder(variant: Variant, source: Path, target: Path) -> Path:
    assert variant.mmproj_file is not None
    _check(source)
    about = source.stat()
    stamp = json.dumps([_VERSION, str(source.resolve()), about.st_size, about.st_mtime_ns])
    noted = target.with_suffix(".json")
    if target.exists() and noted.exists() and noted.read_text() == stamp:
        return target
    if digest(source) != variant.mmproj_file.sha256:
        raise WeightsError("other_encoder", file=str(source), repository=variant.repository)
    reorder(source, target)
    noted.write_text(stamp)
    return target


def _check(path: Path) -> None:
    try:
        read_header(path)
    except GgufError as error:
        raise WeightsError("no_gguf", file=str(path), error=str(error)) from None


def _nano(made: Path) -> Path:
    """Nano is made of the checkpoint that comes with the project, each time: it takes less than a second."""
    from engine.nano.gguf.convert import MMPROJ, MODEL, convert  # noqa: PLC0415 - numpy

    folder = made / f".nano-{os.getpid()}"
    convert(folder)
    target = made / mmproj_name("nano")
    reorder(folder / MMPROJ, target)
    (folder / MODEL).replace(made / "nano.gguf")
    (folder / MMPROJ).unlink()
    folder.rmdir()
    return target


def main() -> int:
    """Makes it; 1 where that can't be."""
    name, weights, models = sys.argv[1:4]
    try:
        finish(find_model(name), Path(weights), Path(models))
    except WeightsError as error:
        print(json.dumps(asdict(error.reason)), flush=True)
        return 1
    except (GgufError, OSError) as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
