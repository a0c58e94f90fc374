"""What is made of the weights for llama-server: once, and only of the files whose content is known."""

from pathlib import Path

import pytest

from engine.catalog import File, Model, find_model
from engine.engines.llama import order
from engine.engines.llama.finish import finish, main
from engine.engines.llama.rotary import reorder
from engine.install.file_download import digest
from engine.install.weights import WeightsError
from engine.nano.gguf.convert import MMPROJ, MODEL, convert


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Nano's files in the place of Kimi-VL's."""
    convert(tmp_path / "weights")
    return tmp_path / "weights"


def model_of(weights: Path) -> Model:
    """A model whose catalogue entry names these files."""
    files = {
        f"{kind}_file": File(name=name, bytes=(weights / name).stat().st_size, sha256=digest(weights / name))
        for kind, name in (("model", MODEL), ("mmproj", MMPROJ))
    }
    model = find_model("Kimi-VL-A3B-Thinking-2506")
    gguf = model.variant("gguf")
    assert gguf is not None
    return model.model_copy(update={"name": "some", "variants": (gguf.model_copy(update=files),)})


def test_the_picture_encoder_is_reordered_in_a_copy(weights: Path, tmp_path: Path) -> None:
    before = (weights / MMPROJ).read_bytes()
    made = finish(model_of(weights), weights, tmp_path / "models")
    assert made == tmp_path / "models" / "llama.cpp" / "some-mmproj.gguf"
    reorder(weights / MMPROJ, tmp_path / "expected.gguf")
    assert made.read_bytes() == (tmp_path / "expected.gguf").read_bytes()
    assert (weights / MMPROJ).read_bytes() == before


def test_it_is_made_once(weights: Path, tmp_path: Path) -> None:
    model = model_of(weights)
    made = finish(model, weights, tmp_path / "models")
    made.write_bytes(b"as it was made")
    assert finish(model, weights, tmp_path / "models").read_bytes() == b"as it was made"


def test_a_llama_server_that_reads_the_rows_as_published_gets_them_so(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "_build", str)
    scores = {"/new": {"published": 23, "reordered": 11}, "/old": {"published": 11, "reordered": 23}}
    monkeypatch.setattr(order, "_scores", lambda program: scores[str(program)])
    reorder(weights / MMPROJ, tmp_path / "expected.gguf")
    for program, wanted in (("/new", weights / MMPROJ), ("/old", tmp_path / "expected.gguf")):
        made = finish(model_of(weights), weights, tmp_path / "models", Path(program))
        assert made.read_bytes() == wanted.read_bytes(), program
    assert finish(find_model("nano"), weights, tmp_path / "models", Path("/new")).exists()


def test_one_that_can_not_be_tried_gets_what_all_known_ones_need(weights: Path, tmp_path: Path) -> None:
    script = tmp_path / "llama-server"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o700)
    for program in (script, tmp_path / "missing"):
        made = finish(model_of(weights), weights, tmp_path / "models", program)
        assert made.read_bytes() != (weights / MMPROJ).read_bytes()
    assert not (tmp_path / "models" / "llama.cpp" / "order.json").exists()


def test_a_file_that_is_reordered_already_is_not_reordered_again(weights: Path, tmp_path: Path) -> None:
    model = model_of(weights)
    reorder(weights / MMPROJ, weights / "new")
    (weights / "new").replace(weights / MMPROJ)
    with pytest.raises(WeightsError, match=r"not the file of ggml-org/.* whose order of rows is known"):
        finish(model, weights, tmp_path / "models")


@pytest.mark.parametrize("name", [MODEL, MMPROJ])
def test_a_file_that_is_no_gguf_is_named(weights: Path, tmp_path: Path, name: str) -> None:
    model = model_of(weights)
    (weights / name).write_bytes(b"<html>please sign in</html>")
    with pytest.raises(WeightsError, match=rf"{name} can't be used: it does not begin as a GGUF.*Delete it"):
        finish(model, weights, tmp_path / "models")


def test_nano_is_made_of_its_checkpoint(tmp_path: Path) -> None:
    made = finish(find_model("nano"), tmp_path, tmp_path / "models")
    assert sorted(path.name for path in made.parent.iterdir()) == ["nano-mmproj.gguf", "nano.gguf"]


def test_as_a_program_its_last_line_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["finish", "Kimi-VL-A3B-Thinking-2506", str(tmp_path), str(tmp_path / "models")])
    assert main() == 1
    assert "No such file" in capsys.readouterr().out
