"""Nano's decoder and tokenizer as llama.cpp's architecture `deepseek2`, under the names of its converter.

Two things differ from what llama.cpp's converter writes of Kimi-VL:

* A query rank of 0. llama.cpp takes "queries are not compressed" from the number of layers (26, 27 or 48) where no
  rank is given.
* The marks of a picture. llama.cpp writes `<|media_start|>` PICTURE `<|media_end|>`, Kimi-VL has `<|media_start|>image
  <|media_content|>` PICTURE `<|media_end|>`. Here two tokens exchange their names, so that what llama.cpp writes right
  before the picture is the token that belongs there, and the template writes the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.formats.gguf import Kind, Values, write
from engine.nano.gguf.checkpoint import Checkpoint, stored

_ARCHITECTURE = "deepseek2"
_SIGMOID = 2
"""ggml's number of this way to weigh experts."""
_NORMAL, _CONTROL = 1, 3
"""ggml's kinds of tokens."""
_PICTURE = "<|media_start|>image<|media_content|><|media_pad|><|media_end|>"
_BEGIN = "<|media_begin|>"
"""The name under which nano's template writes the token `<|media_start|>`."""


def write_decoder(checkpoint: Checkpoint, path: Path, kind: Kind) -> None:
    """Writes `model.gguf`.

    Raises:
        OSError: it can't be written.
    """
    sizes = {f"{_ARCHITECTURE}.{key}": value for key, value in _sizes(checkpoint.config["text_config"]).items()}
    metadata = {
        "general.architecture": _ARCHITECTURE,
        "general.name": "nano",
        **sizes,
        **_vocabulary(checkpoint),
    }
    write(path, metadata, _tensors(checkpoint, kind))


def _sizes(text: dict[str, Any]) -> dict[str, Any]:
    rank, rope, nope = text["kv_lora_rank"], text["qk_rope_head_dim"], text["qk_nope_head_dim"]
    return {
        "context_length": text["max_position_embeddings"],
        "embedding_length": text["hidden_size"],
        "block_count": text["num_hidden_layers"],
        "feed_forward_length": text["intermediate_size"],
        "attention.head_count": text["num_attention_heads"],
        "attention.head_count_kv": 1,  # the latent is one head for all
        "rope.freq_base": float(text["rope_theta"]),
        "rope.dimension_count": rope,
        "attention.layer_norm_rms_epsilon": float(text["rms_norm_eps"]),
        "vocab_size": text["vocab_size"],
        "attention.q_lora_rank": 0,
        "attention.kv_lora_rank": rank,
        "attention.key_length": rank + rope,
        "attention.value_length": rank,
        "attention.key_length_mla": nope + rope,
        "attention.value_length_mla": text["v_head_dim"],
        "leading_dense_block_count": text["first_k_dense_replace"],
        "expert_feed_forward_length": text["moe_intermediate_size"],
        "expert_count": text["n_routed_experts"],
        "expert_used_count": text["num_experts_per_tok"],
        "expert_shared_count": text["n_shared_experts"],
        "expert_weights_scale": float(text["routed_scaling_factor"]),
        "expert_weights_norm": bool(text["norm_topk_prob"]),
        "expert_gating_func": _SIGMOID,
    }


def _vocabulary(checkpoint: Checkpoint) -> dict[str, Any]:
    config, model = checkpoint.config, checkpoint.tokenizer["model"]
    names = [""] * config["text_config"]["vocab_size"]
    kinds = [_NORMAL] * len(names)
    for token, number in model["vocab"].items():
        names[number] = token
    for added in checkpoint.tokenizer["added_tokens"]:
        names[added["id"]], kinds[added["id"]] = added["content"], _CONTROL
    end = names.index("<|im_end|>")
    start, content = names.index("<|media_start|>"), names.index("<|media_content|>")
    names[start], names[content] = _BEGIN, "<|media_start|>"
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": names,
        "tokenizer.ggml.token_type": kinds,
        "tokenizer.ggml.merges": [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]],
        "tokenizer.ggml.bos_token_id": config["bos_token_id"],
        "tokenizer.ggml.eos_token_id": end,
        "tokenizer.ggml.padding_token_id": config["pad_token_id"],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_eos_token": False,
        "tokenizer.chat_template": _template(checkpoint.template),
    }


def _template(template: str) -> str:
    """llama-server puts a marker of its own into the text at the place of a picture: `<__media_…__>`."""
    template = template.replace(f"'{_PICTURE}'", "part.text")
    marked = f"message.content | replace('<__media_', '{_BEGIN}image<__media_')"
    return template.replace("{{ message.content }}", f"{{{{ {marked} }}}}")


def _tensors(checkpoint: Checkpoint, kind: Kind) -> list[Values]:
    text, weights = checkpoint.config["text_config"], checkpoint.weights
    model = "language_model.model."
    found = {
        "token_embd.weight": weights[f"{model}embed_tokens.weight"],
        "output_norm.weight": weights[f"{model}norm.weight"],
        "output.weight": weights["language_model.lm_head.weight"],
    }
    exact = {}
    for layer in range(text["num_hidden_layers"]):
        old, new = f"{model}layers.{layer}.", f"blk.{layer}."
        found |= {new + theirs: weights[old + ours] for theirs, ours in _ATTENTION.items()}
        nope, value = text["qk_nope_head_dim"], text["v_head_dim"]
        per_head = weights[f"{old}self_attn.kv_b_proj.weight"].reshape(-1, nope + value, text["kv_lora_rank"])
        found[f"{new}attn_k_b.weight"] = per_head[:, :nope].transpose(0, 2, 1)
        found[f"{new}attn_v_b.weight"] = per_head[:, nope:]
        if layer < text["first_k_dense_replace"]:
            found |= {f"{new}ffn_{part}.weight": weights[f"{old}mlp.{part}_proj.weight"] for part in _PARTS}
            continue
        exact[f"{new}ffn_gate_inp.weight"] = weights[f"{old}mlp.gate.weight"]
        found[f"{new}exp_probs_b.bias"] = weights[f"{old}mlp.gate.e_score_correction_bias"]
        for part in _PARTS:
            experts = [weights[f"{old}mlp.experts.{n}.{part}_proj.weight"] for n in range(text["n_routed_experts"])]
            found[f"{new}ffn_{part}_exps.weight"] = np.stack(experts)
            found[f"{new}ffn_{part}_shexp.weight"] = weights[f"{old}mlp.shared_experts.{part}_proj.weight"]
    return [
        *(stored(name, values, kind) for name, values in found.items()),
        *(stored(name, values, Kind.F32) for name, values in exact.items()),
    ]


_PARTS = ("gate", "up", "down")
_ATTENTION = {
    "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight",
    "attn_kv_a_mqa.weight": "self_attn.kv_a_proj_with_mqa.weight",
    "attn_kv_a_norm.weight": "self_attn.kv_a_layernorm.weight",
    "attn_output.weight": "self_attn.o_proj.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight",
}
