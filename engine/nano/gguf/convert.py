"""Writes nano's GGUF files: `python -m engine.nano.gguf.convert FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.formats.gguf import Kind
from engine.nano import CHECKPOINT
from engine.nano.gguf.checkpoint import Checkpoint
from engine.nano.gguf.decoder import write_decoder
from engine.nano.gguf.vision import write_vision

MODEL, MMPROJ = "model.gguf", "mmproj.gguf"


def convert(folder: Path, kind: Kind = Kind.F32) -> None:
    """Makes both files in `folder`, their matrices stored as `kind`.

    Raises:
        OSError: the checkpoint can't be read, or the files can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = Checkpoint.read(CHECKPOINT)
    for name, write in ((MODEL, write_decoder), (MMPROJ, write_vision)):
        temporary = folder / f".{name}.new"
        write(checkpoint, temporary, kind)
        temporary.replace(folder / name)


if __name__ == "__main__":
    convert(Path(sys.argv[1]))
