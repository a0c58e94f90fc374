"""Random weights in the dimensions of Kimi-VL-A3B for llama-server, with nano's tokenizer: only to measure speed.

`python -m tests.benchmarks.kimi_size FOLDER LAYERS` writes `model.gguf` and `mmproj.gguf`. Of the decoder's 27 layers
it has as many as are wanted; the picture encoder is whole. The text that comes out means nothing and never ends.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.formats.gguf import Kind
from engine.nano import CHECKPOINT
from engine.nano.gguf.checkpoint import Checkpoint
from engine.nano.gguf.convert import MMPROJ, MODEL
from engine.nano.gguf.decoder import write_decoder
from engine.nano.gguf.vision import write_vision

_TEXT = {
    "vocab_size": 163840, "hidden_size": 2048, "num_attention_heads": 16, "num_key_value_heads": 16,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "kv_lora_rank": 512,
    "intermediate_size": 11264, "moe_intermediate_size": 1408, "n_routed_experts": 64, "n_shared_experts": 2,
    "num_experts_per_tok": 6, "first_k_dense_replace": 1, "rope_theta": 800000.0, "max_position_embeddings": 131072,
}  # fmt: skip
"""https://huggingface.co/moonshotai/Kimi-VL-A3B-Thinking-2506/blob/main/config.json"""
_VISION = {
    "hidden_size": 1152, "num_hidden_layers": 27, "num_attention_heads": 16, "intermediate_size": 4304,
    "init_pos_emb_height": 64, "init_pos_emb_width": 64,
}  # fmt: skip
_SPREAD = 0.02
Random = npt.NDArray[Any]
"""Float16, half of what a checkpoint's weights take in memory."""


def write(folder: Path, layers: int) -> None:
    """Writes both files; 3.3 GB with 5 layers, and twice that in memory while it does so."""
    folder.mkdir(parents=True, exist_ok=True)
    nano = Checkpoint.read(CHECKPOINT)
    text = nano.config["text_config"] | _TEXT | {"num_hidden_layers": layers}
    vision = nano.config["vision_config"] | _VISION
    config = nano.config | {"text_config": text, "vision_config": vision}
    large = replace(nano, config=config, tokenizer=_filled(nano.tokenizer, text["vocab_size"]))
    write_decoder(replace(large, weights=dict(_decoder(text, nano))), folder / MODEL, Kind.Q8_0)
    # Of the width 4304, which is no multiple of 32, no row can be in Q8_0.
    write_vision(replace(large, weights=dict(_vision(vision, text["hidden_size"]))), folder / MMPROJ, Kind.F16)


def _filled(tokenizer: dict[str, Any], size: int) -> dict[str, Any]:
    """The tokenizer with a token of its own for each number up to `size`."""
    model = tokenizer["model"]
    taken = {*model["vocab"].values(), *(added["id"] for added in tokenizer["added_tokens"])}
    more = {f"Ġw{number}": number for number in range(size) if number not in taken}
    return tokenizer | {"model": model | {"vocab": model["vocab"] | more}}


def _random(*shape: int) -> Random:
    """One block of random values, repeated: what is read and multiplied is the same as with others."""
    return np.broadcast_to(_block(shape[-2:]), shape)


@cache
def _block(shape: tuple[int, ...]) -> Random:
    return np.random.default_rng(1).normal(0, _SPREAD, shape).astype(np.float16)


def _ones(size: int) -> Random:
    return np.ones(size, np.float16)


def _decoder(text: dict[str, Any], nano: Checkpoint) -> Iterator[tuple[str, Random]]:
    hidden, heads, rank = text["hidden_size"], text["num_attention_heads"], text["kv_lora_rank"]
    nope, rope, value = text["qk_nope_head_dim"], text["qk_rope_head_dim"], text["v_head_dim"]
    model = "language_model.model."
    yield f"{model}embed_tokens.weight", _random(text["vocab_size"], hidden)
    yield f"{model}norm.weight", _ones(hidden)
    # The words of nano, its marks and its end among them, never win.
    output = _random(text["vocab_size"], hidden).copy()
    output[: nano.config["text_config"]["vocab_size"]] = 0
    yield "language_model.lm_head.weight", output
    for layer in range(text["num_hidden_layers"]):
        at = f"{model}layers.{layer}."
        yield f"{at}input_layernorm.weight", _ones(hidden)
        yield f"{at}post_attention_layernorm.weight", _ones(hidden)
        yield f"{at}self_attn.q_proj.weight", _random(heads * (nope + rope), hidden)
        yield f"{at}self_attn.kv_a_proj_with_mqa.weight", _random(rank + rope, hidden)
        yield f"{at}self_attn.kv_a_layernorm.weight", _ones(rank)
        yield f"{at}self_attn.kv_b_proj.weight", _random(heads * (nope + value), rank)
        yield f"{at}self_attn.o_proj.weight", _random(hidden, heads * value)
        if layer < text["first_k_dense_replace"]:
            yield from _mlp(f"{at}mlp.", hidden, text["intermediate_size"])
            continue
        yield f"{at}mlp.gate.weight", _random(text["n_routed_experts"], hidden)
        yield f"{at}mlp.gate.e_score_correction_bias", np.zeros(text["n_routed_experts"], np.float16)
        wide = text["moe_intermediate_size"]
        for expert in range(text["n_routed_experts"]):
            yield from _mlp(f"{at}mlp.experts.{expert}.", hidden, wide)
        yield from _mlp(f"{at}mlp.shared_experts.", hidden, wide * text["n_shared_experts"])


def _mlp(at: str, hidden: int, wide: int) -> Iterator[tuple[str, Random]]:
    yield f"{at}gate_proj.weight", _random(wide, hidden)
    yield f"{at}up_proj.weight", _random(wide, hidden)
    yield f"{at}down_proj.weight", _random(hidden, wide)


def _vision(vision: dict[str, Any], text_hidden: int) -> Iterator[tuple[str, Random]]:
    tower, wide = "vision_tower.", vision["hidden_size"]
    merged = wide * vision["merge_kernel_size"][0] * vision["merge_kernel_size"][1]
    patch, side = vision["patch_size"], vision["init_pos_emb_height"]
    yield f"{tower}patch_embed.pos_emb.weight", _random(side, side, wide)
    yield f"{tower}patch_embed.proj.weight", _random(wide, 3, patch, patch)
    yield f"{tower}patch_embed.proj.bias", _random(wide)
    layers = [(f"{tower}encoder.blocks.{layer}.", layer) for layer in range(vision["num_hidden_layers"])]
    for at, _ in layers:
        for name, rows, columns in (
            ("wqkv", 3 * wide, wide), ("wo", wide, wide), ("mlp.fc0", vision["intermediate_size"], wide),
            ("mlp.fc1", wide, vision["intermediate_size"]),
        ):  # fmt: skip
            yield f"{at}{name}.weight", _random(rows, columns)
            yield f"{at}{name}.bias", _random(rows)
        yield from _norm(f"{at}norm0", wide)
        yield from _norm(f"{at}norm1", wide)
    yield from _norm(f"{tower}encoder.final_layernorm", wide)
    yield from _norm("multi_modal_projector.pre_norm", wide)
    for name, rows in (("linear_1", merged), ("linear_2", text_hidden)):
        yield f"multi_modal_projector.{name}.weight", _random(rows, merged)
        yield f"multi_modal_projector.{name}.bias", _random(rows)


def _norm(at: str, size: int) -> Iterator[tuple[str, Random]]:
    yield f"{at}.weight", _ones(size)
    yield f"{at}.bias", np.zeros(size, np.float16)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]))
