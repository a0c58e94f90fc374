"""Nano's checkpoint as numpy reads it: configuration, tokenizer, and weights in float32."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.formats.gguf import Kind, Values

Array = npt.NDArray[np.float32]
_Q8_BLOCK = 32


@dataclass(frozen=True)
class Checkpoint:
    """What the folder holds."""

    config: dict[str, Any]
    preprocessor: dict[str, Any]
    tokenizer: dict[str, Any]
    template: str
    weights: dict[str, Array]

    @classmethod
    def read(cls, folder: Path) -> Checkpoint:
        """Reads the folder.

        Raises:
            OSError: a file is missing.
        """
        config, preprocessor, tokenizer = (
            json.loads((folder / name).read_text())
            for name in ("config.json", "preprocessor_config.json", "tokenizer.json")
        )
        template = (folder / "chat_template.jinja").read_text()
        return cls(config, preprocessor, tokenizer, template, _weights(folder / "model.safetensors"))


def _weights(path: Path) -> dict[str, Array]:
    """All tensors; numpy knows no bf16, which is the upper half of a float32.

    Source: https://github.com/huggingface/safetensors#format
    """
    blob = path.read_bytes()
    begin = 8 + int.from_bytes(blob[:8], "little")
    header = json.loads(blob[8:begin])
    header.pop("__metadata__", None)
    found: dict[str, Array] = {}
    for name, entry in header.items():
        start, end = (begin + offset for offset in entry["data_offsets"])
        if entry["dtype"] == "BF16":
            values = (np.frombuffer(blob[start:end], np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.frombuffer(blob[start:end], np.float32)
        found[name] = values.reshape(entry["shape"])
    return found


def stored(name: str, values: Array, kind: Kind) -> Values:
    """The tensor's bytes; vectors are float32 whatever the kind, as llama.cpp's converter has them."""
    if values.ndim == 1:
        kind = Kind.F32
    match kind:
        case Kind.F16:
            data = values.astype(np.float16).tobytes()
        case Kind.Q8_0:
            data = _q8_0(values)
        case _:
            kind, data = Kind.F32, np.ascontiguousarray(values, np.float32).tobytes()
    return Values(name, values.shape, kind, data)


def _q8_0(values: Array) -> bytes:
    """Blocks of 32 values along a row, each a float16 scale and 32 whole numbers of 8 bits."""
    blocks = values.reshape(-1, _Q8_BLOCK)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    whole = np.rint(np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale > 0)).astype(np.int8)
    return np.concatenate([scale.astype(np.float16).view(np.uint8), whole.view(np.uint8)], axis=1).tobytes()
