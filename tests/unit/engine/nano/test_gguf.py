"""Nano's GGUF files: whole, the same each time, and right in what llama.cpp can't tell us."""

from pathlib import Path

import numpy as np
import pytest

from engine.formats.gguf import Kind, read_header
from engine.nano import CHECKPOINT
from engine.nano.gguf.checkpoint import Checkpoint, stored
from engine.nano.gguf.convert import MMPROJ, MODEL, convert


def test_both_files_are_made_and_the_same_each_time(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        convert(tmp_path / folder)
    for name in (MODEL, MMPROJ):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted([MODEL, MMPROJ])


def test_every_tensor_of_the_checkpoint_is_there(tmp_path: Path) -> None:
    convert(tmp_path)
    tensors = [tensor for name in (MODEL, MMPROJ) for tensor in read_header(tmp_path / name).tensors]
    # The table of positions is written in another size; all the rest only moves.
    values = sum(int(np.prod(tensor.shape)) for tensor in tensors if tensor.name != "v.position_embd.weight")
    weights = Checkpoint.read(CHECKPOINT).weights
    table = weights["vision_tower.patch_embed.pos_emb.weight"]
    assert values == sum(array.size for array in weights.values()) - table.size


@pytest.mark.parametrize(("kind", "step"), [(Kind.F32, 0.0), (Kind.F16, 2**-11), (Kind.Q8_0, 1 / 254)])
def test_a_matrix_is_stored_as_was_asked_and_a_vector_is_exact(kind: Kind, step: float) -> None:
    matrix = np.random.default_rng(5).uniform(-1, 1, (4, 64)).astype(np.float32)
    found = stored("m", matrix, kind)
    assert found.kind == kind
    if kind is Kind.Q8_0:
        blocks = np.frombuffer(found.data, np.uint8).reshape(-1, 34)
        scale = np.ascontiguousarray(blocks[:, :2]).view(np.float16).astype(np.float32)
        back = (scale * np.ascontiguousarray(blocks[:, 2:]).view(np.int8)).reshape(matrix.shape)
    else:
        back = np.frombuffer(found.data, np.float16 if kind is Kind.F16 else np.float32).reshape(matrix.shape)
    assert np.abs(back - matrix).max() <= step * 1.1
    assert stored("v", matrix[0], kind).kind is Kind.F32
