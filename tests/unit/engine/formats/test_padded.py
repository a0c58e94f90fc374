"""Pictures as Kimi-VL's own processor makes them: scaled to its limit, padded on the right and at the bottom."""

import io
from pathlib import Path

import pytest
from PIL import Image

from engine.engines.llama.plan import most_picture_tokens
from engine.formats.padded import padded, padded_file, scaled_size
from engine.formats.picture_tokens import BLOCK, PATCH
from tests.instruments.nano_server import png


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_one_within_the_limit_keeps_its_pixels_and_gets_a_black_border() -> None:
    picture = Image.effect_noise((100, 60), 90).convert("RGB")
    whole = opened(padded(png(picture), 4096))
    assert whole.size == (112, 84)
    assert whole.crop((0, 0, 100, 60)).tobytes() == picture.tobytes()
    assert whole.crop((100, 0, 112, 84)).getextrema() == ((0, 0),) * 3
    assert whole.crop((0, 60, 112, 84)).getextrema() == ((0, 0),) * 3


def test_whole_blocks_stay_as_they_are() -> None:
    picture = Image.effect_noise((BLOCK * 3, BLOCK), 90).convert("RGB")
    assert opened(padded(png(picture), 4096)).tobytes() == picture.tobytes()


# What image_processing_kimi_vl.py makes of them with a limit of 4,096 patches.
@pytest.mark.parametrize(
    ("size", "scaled", "whole"),
    [
        ((896, 896), (896, 896), (896, 896)),
        ((897, 896), (897, 896), (924, 896)),
        ((4032, 3024), (1034, 775), (1036, 784)),
        ((3000, 200), (3000, 200), (3024, 224)),
        ((1, 1), (1, 1), (28, 28)),
    ],
)
def test_sizes_are_those_of_the_processor(
    size: tuple[int, int], scaled: tuple[int, int], whole: tuple[int, int]
) -> None:
    assert scaled_size(*size, 4096) == scaled
    assert opened(padded(png(Image.new("RGB", size)), 4096)).size == whole


@pytest.mark.parametrize("patches", [40, 256, 4096, 16384])
def test_none_has_more_tokens_than_llama_server_is_told(patches: int) -> None:
    most = 0
    for width in (*range(14, 600, 13), *range(600, 7154, 211)):
        for height in (*range(14, 600, 13), *range(600, 7154, 211)):
            found = scaled_size(width, height, patches)
            if max(found) // PATCH < 511:
                most = max(most, -(-found[0] // BLOCK) * -(-found[1] // BLOCK))
    assert patches // 4 <= most <= most_picture_tokens(patches)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(Image.new("RGB", (30, 30), "teal")))
    first = padded_file(path, 4096)
    path.unlink()
    assert padded_file(path, 4096) is first
