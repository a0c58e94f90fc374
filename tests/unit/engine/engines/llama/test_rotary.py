"""The order of the picture encoder's rows: rows move, nothing else does, in every precision."""

import re
from pathlib import Path

import numpy as np
import pytest

from engine.engines.llama.rotary import main, reorder, row_order
from engine.formats.gguf import GgufError, Kind, Values, read_header, write
from engine.nano.gguf.convert import MMPROJ, MODEL, convert


def test_pairs_of_x_come_before_pairs_of_y_in_each_head() -> None:
    # Two heads of two pairs for each axis: x0 y0 x1 y1, of two rows each.
    assert row_order(16, 2) == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]


@pytest.mark.parametrize("kind", [Kind.F32, Kind.F16, Kind.Q8_0])
def test_only_rows_of_queries_and_keys_move(tmp_path: Path, kind: Kind) -> None:
    convert(tmp_path, kind)
    source, target = tmp_path / MMPROJ, tmp_path / "reordered.gguf"
    before = source.read_bytes()
    reorder(source, target)
    assert source.read_bytes() == before
    after, header = target.read_bytes(), read_header(source)
    assert read_header(target) == header
    moved = 0
    end = 0
    for tensor in header.tensors:
        assert after[end : tensor.offset] == before[end : tensor.offset]
        end = tensor.offset + tensor.size
        old, new = before[tensor.offset : end], after[tensor.offset : end]
        if re.search(r"attn_[qk]\.", tensor.name):
            size = len(old) // tensor.shape[0]
            # As numpy would do it: (head, frequency, axis, part) to (head, axis, frequency, part).
            rows = np.frombuffer(old, np.uint8).reshape(4, -1, 2, 2, size)
            assert new == rows.swapaxes(1, 2).tobytes()
            moved += 1
        else:
            assert new == old
    assert moved == 4 * 2 * 2  # blocks; query and key; weight and bias


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b"no such file"), "does not begin"),
        (lambda path: write(path, {"clip.projector_type": "qwen2vl"}, []), "no picture encoder of Kimi-VL"),
        (lambda path: convert(path.parent) or (path.parent / MODEL).replace(path), "no picture encoder of Kimi-VL"),
    ],
)
def test_another_file_is_refused_and_leaves_nothing(tmp_path: Path, make: object, said: str) -> None:
    source, target = tmp_path / "wrong.gguf", tmp_path / "reordered.gguf"
    make(source)
    with pytest.raises(GgufError, match=said):
        reorder(source, target)
    assert not target.exists()
    assert list(tmp_path.glob(".*")) == []


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    source, target = tmp_path / "cut.gguf", tmp_path / "reordered.gguf"
    metadata = {"clip.projector_type": "kimivl", "clip.vision.attention.head_count": 1}
    write(source, metadata, [Values("v.blk.0.attn_q.weight", (8, 8), Kind.F32, bytes(256))])
    source.write_bytes(source.read_bytes()[:-100])
    with pytest.raises(GgufError, match=r"ends inside v\.blk\.0\.attn_q\.weight"):
        reorder(source, target)
    assert not target.exists()


def test_by_hand_it_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:
    monkeypatch.setattr("sys.argv", ["rotary", str(tmp_path / "none.gguf"), str(tmp_path / "b.gguf")])
    assert main() == 1
    assert "No such file" in capsys.readouterr().out
