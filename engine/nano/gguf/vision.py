"""Nano's picture encoder, MoonViT, as llama.cpp's projector `kimivl`, under the names of its converter.

Rows of queries and keys are in the checkpoint's order, which is how llama.cpp's converter writes them, too. One thing
differs from it: the table of positions is replaced by another (`positions.py`), since llama.cpp stretches it in another
way than Kimi-VL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.gguf import Kind, Values, write
from engine.nano.gguf.checkpoint import Array, Checkpoint, stored
from engine.nano.gguf.positions import fitted

_BLOCK = {"ln1": "norm0", "ln2": "norm1", "attn_out": "wo", "ffn_up": "mlp.fc0", "ffn_down": "mlp.fc1"}
_PROJECTOR = {"mm.input_norm": "pre_norm", "mm.1": "linear_1", "mm.2": "linear_2"}


def write_vision(checkpoint: Checkpoint, path: Path, kind: Kind) -> None:
    """Writes `mmproj.gguf`.

    Raises:
        OSError: it can't be written.
    """
    table = fitted(checkpoint.weights["vision_tower.patch_embed.pos_emb.weight"])
    write(path, _metadata(checkpoint, len(table)), _tensors(checkpoint, table, kind))


def _metadata(checkpoint: Checkpoint, table_side: int) -> dict[str, Any]:
    vision, preprocessor = checkpoint.config["vision_config"], checkpoint.preprocessor
    return {
        "general.architecture": "clip",
        "general.type": "mmproj",
        "clip.has_vision_encoder": True,
        "clip.projector_type": "kimivl",
        "clip.vision.projection_dim": checkpoint.config["text_config"]["hidden_size"],
        "clip.vision.image_size": table_side * vision["patch_size"],
        "clip.vision.patch_size": vision["patch_size"],
        "clip.vision.embedding_length": vision["hidden_size"],
        "clip.vision.feed_forward_length": vision["intermediate_size"],
        "clip.vision.block_count": vision["num_hidden_layers"],
        "clip.vision.attention.head_count": vision["num_attention_heads"],
        "clip.vision.attention.layer_norm_epsilon": 1e-5,
        "clip.use_gelu": True,
        "clip.vision.projector.scale_factor": vision["merge_kernel_size"][0],
        "clip.vision.image_mean": preprocessor["image_mean"],
        "clip.vision.image_std": preprocessor["image_std"],
    }


def _tensors(checkpoint: Checkpoint, table: Array, kind: Kind) -> list[Values]:
    weights, tower = checkpoint.weights, "vision_tower."
    found: dict[str, Array] = {}
    for suffix in ("weight", "bias"):
        for layer in range(checkpoint.config["vision_config"]["num_hidden_layers"]):
            old, new = f"{tower}encoder.blocks.{layer}.", f"v.blk.{layer}."
            found |= {f"{new}{theirs}.{suffix}": weights[f"{old}{ours}.{suffix}"] for theirs, ours in _BLOCK.items()}
            for part, values in zip("qkv", np.split(weights[f"{old}wqkv.{suffix}"], 3), strict=True):
                found[f"{new}attn_{part}.{suffix}"] = values
        found[f"v.post_ln.{suffix}"] = weights[f"{tower}encoder.final_layernorm.{suffix}"]
        found |= {
            f"{theirs}.{suffix}": weights[f"multi_modal_projector.{ours}.{suffix}"]
            for theirs, ours in _PROJECTOR.items()
        }
    return [
        stored("v.patch_embd.weight", weights[f"{tower}patch_embed.proj.weight"], Kind.F32),
        stored("v.patch_embd.bias", weights[f"{tower}patch_embed.proj.bias"], Kind.F32),
        stored("v.position_embd.weight", table.reshape(-1, table.shape[-1]), Kind.F32),
        *(stored(name, values, kind) for name, values in found.items()),
    ]
