"""Makes what llama-server loads beside the weights that were fetched: the picture encoder in llama.cpp's order.

    python -m engine.engines.llama.finish MODEL WEIGHTS MODELS [PROGRAM]

`WEIGHTS` is the folder with the model's own files, `MODELS` where weights are kept, `PROGRAM` a llama-server of the
user's own. The last line says why not: a `Reason` as JSON, or what the system says.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from engine.catalog import Model, Variant, find_model
from engine.engines.llama.order import wants_reordered
from engine.engines.llama.plan import VARIANT, made_folder, mmproj_name
from engine.engines.llama.rotary import reorder
from engine.formats.gguf import GgufError, read_header
from engine.install.file_download import digest
from engine.install.weights import WeightsError

_VERSION = 2
"""Of what is made here: another number makes it again."""


def finish(model: Model, weights: Path, models: Path, program: Path | None = None) -> Path:
    """The picture encoder's file that is to be loaded; made where it is not there yet.

    `program` is the llama-server, if it is not one that we have installed and know.

    Raises:
        WeightsError: a file is no GGUF, or not the one whose order of rows is known.
        OSError: something can't be read or written.
    """
    variant = model.variant(VARIANT)
    made = made_folder(models)
    made.mkdir(parents=True, exist_ok=True)
    reordered = program is None or wants_reordered(program, models)
    if variant is None or variant.model_file is None or variant.mmproj_file is None:
        return _nano(made, reordered=reordered)
    _check(weights / variant.model_file.name)
    source, target = weights / variant.mmproj_file.name, made / mmproj_name(model.name)
    return _picture_encoder(variant, source, target, reordered=reordered)


def _picture_encoder(variant: Variant, source: Path, target: Path, *, reordered: bool) -> Path:
    assert variant.mmproj_file is not None
    _check(source)
    about = source.stat()
    stamp = json.dumps([_VERSION, str(source.resolve()), about.st_size, about.st_mtime_ns, reordered])
    noted = target.with_suffix(".json")
    if target.exists() and noted.exists() and noted.read_text() == stamp:
        return target
    if digest(source) != variant.mmproj_file.sha256:
        raise WeightsError("other_encoder", file=str(source), repository=variant.repository)
    if reordered:
        reorder(source, target)
    else:
        _copy(source, target)
    noted.write_text(stamp)
    return target


def _check(path: Path) -> None:
    try:
        read_header(path)
    except GgufError as error:
        raise WeightsError("no_gguf", file=str(path), error=str(error)) from None


def _copy(source: Path, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.new")
    try:
        shutil.copyfile(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _nano(made: Path, *, reordered: bool) -> Path:
    """Nano is made of the checkpoint that comes with the project, each time: it takes less than a second."""
    from engine.nano.gguf.convert import MMPROJ, MODEL, convert  # noqa: PLC0415 - numpy

    folder = made / f".nano-{os.getpid()}"
    convert(folder)
    target = made / mmproj_name("nano")
    (reorder if reordered else _copy)(folder / MMPROJ, target)
    (folder / MODEL).replace(made / "nano.gguf")
    (folder / MMPROJ).unlink()
    folder.rmdir()
    return target


def main() -> int:
    """Makes it; 1 where that can't be."""
    name, weights, models, *program = sys.argv[1:]
    try:
        finish(find_model(name), Path(weights), Path(models), Path(program[0]) if program else None)
    except WeightsError as error:
        print(json.dumps(asdict(error.reason)), flush=True)
        return 1
    except (GgufError, OSError) as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
