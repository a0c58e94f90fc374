"""Kimi-VL's architecture in plain PyTorch, for training nano: MoonViT, projector, DeepSeek-V3 decoder.

Module names are the checkpoint's parameter names, so `state_dict()` is what vLLM loads; the arithmetic is vLLM's
`kimi_vl.py`, `moonvit.py` and `deepseek_v2.py`. Not part of the runtime.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class VisionConfig:
    """MoonViT's sizes under the names of `vision_config` in config.json."""

    hidden_size: int = 128
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    intermediate_size: int = 384
    patch_size: int = 14
    init_pos_emb_height: int = 16
    init_pos_emb_width: int = 16
    merge_kernel_size: tuple[int, int] = (2, 2)
    model_type: str = "moonvit"


@dataclass(frozen=True)
class TextConfig:
    """The decoder's sizes under the names of `text_config` in config.json."""

    vocab_size: int
    hidden_size: int = 192
    num_hidden_layers: int = 4
    num_attention_heads: int = 4
    num_key_value_heads: int = 4
    qk_nope_head_dim: int = 32
    qk_rope_head_dim: int = 32
    v_head_dim: int = 64
    kv_lora_rank: int = 64
    q_lora_rank: int | None = None
    intermediate_size: int = 512
    moe_intermediate_size: int = 96
    n_routed_experts: int = 4
    n_shared_experts: int = 1
    num_experts_per_tok: int = 2
    routed_scaling_factor: float = 2.446
    first_k_dense_replace: int = 1
    moe_layer_freq: int = 1
    n_group: int = 1
    topk_group: int = 1
    norm_topk_prob: bool = True
    scoring_func: str = "sigmoid"
    topk_method: str = "noaux_tc"
    hidden_act: str = "silu"
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    max_position_embeddings: int = 8192
    attention_bias: bool = False
    tie_word_embeddings: bool = False
    model_type: str = "deepseek_v3"


@dataclass(frozen=True)
class NanoConfig:
    """Everything config.json says about the architecture; the ids are the vocabulary's."""

    text_config: TextConfig
    media_placeholder_token_id: int
    bos_token_id: int
    eos_token_id: int
    pad_token_id: int
    vision_config: VisionConfig = field(default_factory=VisionConfig)

    def to_json(self) -> dict[str, Any]:
        """The contents of config.json."""
        ids = {"bos_token_id": self.bos_token_id, "eos_token_id": self.eos_token_id, "pad_token_id": self.pad_token_id}
        contents = asdict(self)
        contents["text_config"] |= ids
        return {
            "architectures": ["KimiVLForConditionalGeneration"],
            "model_type": "kimi_vl",
            "torch_dtype": "bfloat16",
            **contents,
        }


def _rotate(x: Tensor, cis: Tensor) -> Tensor:
    """Turn neighbouring pairs of the last dimension by the unit complex numbers `cis` (…, last/2)."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * cis).flatten(-2)


def _cis(angles: Tensor) -> Tensor:
    return torch.polar(torch.ones_like(angles), angles)


class Container(nn.Module):
    """Carries a level of the parameters' names and nothing else."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


class PositionTable(nn.Module):
    """Learned positions on a grid, interpolated to each picture's grid."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.weight = nn.Parameter(
            torch.randn(config.init_pos_emb_height, config.init_pos_emb_width, config.hidden_size) * 0.1
        )

    def forward(self, rows: int, columns: int) -> Tensor:
        table = self.weight.permute(2, 0, 1)[None]
        return F.interpolate(table, size=(rows, columns), mode="bicubic")[0].permute(1, 2, 0).flatten(0, 1)


class VisionBlock(nn.Module):
    """One pre-norm encoder block; padding patches are masked as keys."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.norm0, self.norm1 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.wqkv, self.wo = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = Container(
            fc0=nn.Linear(width, config.intermediate_size), fc1=nn.Linear(config.intermediate_size, width)
        )

    def forward(self, x: Tensor, cis: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = x.shape
        qkv = self.wqkv(self.norm0(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = _rotate(qkv[0], cis[:, None]), _rotate(qkv[1], cis[:, None])
        seen = F.scaled_dot_product_attention(q, k, qkv[2], attn_mask=mask[:, None, None, :])
        x = x + self.wo(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp.fc1(F.gelu(self.mlp.fc0(self.norm1(x)), approximate="tanh"))


class VisionTower(nn.Module):
    """MoonViT: patches of pictures of any grid to one vector per patch."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        width = config.hidden_size
        self.patch_embed = Container(
            proj=nn.Conv2d(3, width, config.patch_size, config.patch_size), pos_emb=PositionTable(config)
        )
        self.encoder = Container(
            blocks=nn.ModuleList(VisionBlock(config) for _ in range(config.num_hidden_layers)),
            final_layernorm=nn.LayerNorm(width),
        )

    def _turns(self, rows: int, columns: int) -> Tensor:
        dim = self.config.hidden_size // self.config.num_attention_heads
        frequencies = 10000.0 ** (-torch.arange(0, dim, 4) / dim)
        y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
        both = torch.stack((x.flatten()[:, None] * frequencies, y.flatten()[:, None] * frequencies), dim=-1)
        return _cis(both.flatten(-2))

    def forward(self, patches: list[Tensor], grids: list[tuple[int, int]]) -> list[Tensor]:
        """Per picture (rows·columns, D) from (rows·columns, 3, 14, 14)."""
        proj = self.patch_embed.proj
        embedded = F.linear(torch.cat(patches).flatten(1), proj.weight.flatten(1), proj.bias)
        positions = {grid: self.patch_embed.pos_emb(*grid) for grid in set(grids)}
        turns = {grid: self._turns(*grid) for grid in positions}
        parts = [
            part + positions[grid] for part, grid in zip(embedded.split([len(p) for p in patches]), grids, strict=True)
        ]
        x = nn.utils.rnn.pad_sequence(parts, batch_first=True)
        cis = nn.utils.rnn.pad_sequence([turns[grid] for grid in grids], batch_first=True)
        mask = torch.arange(x.shape[1])[None] < torch.tensor([len(p) for p in parts])[:, None]
        for block in self.encoder.blocks:
            x = block(x, cis, mask)
        x = self.encoder.final_layernorm(x)
        return [x[i, : len(part)] for i, part in enumerate(parts)]


class Projector(nn.Module):
    """Joins each block of 2 by 2 patches into one vector of the decoder's width."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        width = config.vision_config.hidden_size
        self.pre_norm = nn.LayerNorm(width, eps=1e-5)
        self.linear_1 = nn.Linear(4 * width, 4 * width)
        self.linear_2 = nn.Linear(4 * width, config.text_config.hidden_size)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        rows, columns = grid
        blocks = self.pre_norm(x).view(rows // 2, 2, columns // 2, 2, -1).permute(0, 2, 1, 3, 4)
        merged: Tensor = self.linear_2(F.gelu(self.linear_1(blocks.reshape(rows * columns // 4, -1))))
        return merged


class Attention(nn.Module):
    """Multi-head latent attention without query compression."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        width, heads = config.hidden_size, config.num_attention_heads
        query = config.qk_nope_head_dim + config.qk_rope_head_dim
        self.q_proj = nn.Linear(width, heads * query, bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(width, config.kv_lora_rank + config.qk_rope_head_dim, bias=False)
        self.kv_a_layernorm = nn.RMSNorm(config.kv_lora_rank, eps=config.rms_norm_eps)
        self.kv_b_proj = nn.Linear(
            config.kv_lora_rank, heads * (config.qk_nope_head_dim + config.v_head_dim), bias=False
        )
        self.o_proj = nn.Linear(heads * config.v_head_dim, width, bias=False)

    def forward(self, x: Tensor, cis: Tensor) -> Tensor:
        c = self.config
        batch, length, _ = x.shape
        heads = c.num_attention_heads
        q = self.q_proj(x).view(batch, length, heads, -1).transpose(1, 2)
        latent, k_rope = self.kv_a_proj_with_mqa(x).split([c.kv_lora_rank, c.qk_rope_head_dim], dim=-1)
        kv = self.kv_b_proj(self.kv_a_layernorm(latent)).view(batch, length, heads, -1).transpose(1, 2)
        k, v = kv.split([c.qk_nope_head_dim, c.v_head_dim], dim=-1)
        q = torch.cat((q[..., : c.qk_nope_head_dim], _rotate(q[..., c.qk_nope_head_dim :], cis[:, None])), dim=-1)
        k = torch.cat((k, _rotate(k_rope, cis)[:, None].expand(-1, heads, -1, -1)), dim=-1)
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        attended: Tensor = self.o_proj(seen.transpose(1, 2).reshape(batch, length, -1))
        return attended


class FeedForward(nn.Module):
    """A SwiGLU network: the dense layer, one expert, or the shared experts."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Router(nn.Module):
    """Sigmoid scores; the correction bias only takes part in the choice and keeps the experts evenly used."""

    BALANCING = 1e-3

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = nn.Parameter(torch.randn(config.n_routed_experts, config.hidden_size) * 0.02)
        self.register_buffer("e_score_correction_bias", torch.zeros(config.n_routed_experts))
        self.e_score_correction_bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Weights (…, experts), zero for those not chosen."""
        scores = F.linear(x.float(), self.weight.float()).sigmoid()
        chosen = (scores + self.e_score_correction_bias).topk(self.config.num_experts_per_tok, dim=-1).indices
        weights = torch.zeros_like(scores).scatter(-1, chosen, scores.gather(-1, chosen))
        if self.training:
            load = (weights.detach() > 0).float().flatten(0, -2).mean(0)
            self.e_score_correction_bias += self.BALANCING * (load.mean() - load).sign()
        return weights / weights.sum(-1, keepdim=True) * self.config.routed_scaling_factor


class MixtureOfExperts(nn.Module):
    """Routed experts and one shared; every expert computes every token, which is quickest at this size."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        inner = config.moe_intermediate_size
        self.gate = Router(config)
        self.experts = nn.ModuleList(FeedForward(config.hidden_size, inner) for _ in range(config.n_routed_experts))
        self.shared_experts = FeedForward(config.hidden_size, inner * config.n_shared_experts)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gate(x).to(x.dtype)
        out: Tensor = self.shared_experts(x)
        for i, expert in enumerate(self.experts):
            out = out + weights[..., i, None] * expert(x)
        return out


class DecoderLayer(nn.Module):
    """One pre-norm decoder layer; the first is dense."""

    def __init__(self, config: TextConfig, index: int) -> None:
        super().__init__()
        width = config.hidden_size
        self.input_layernorm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.post_attention_layernorm = nn.RMSNorm(width, eps=config.rms_norm_eps)
        self.self_attn = Attention(config)
        dense = index < config.first_k_dense_replace
        self.mlp = FeedForward(width, config.intermediate_size) if dense else MixtureOfExperts(config)

    def forward(self, x: Tensor, cis: Tensor) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cis)
        return x + self.mlp(self.post_attention_layernorm(x))


class Nano(nn.Module):
    """The whole model: token ids and pictures to logits."""

    def __init__(self, config: NanoConfig) -> None:
        super().__init__()
        self.config = config
        text = config.text_config
        self.vision_tower = VisionTower(config.vision_config)
        self.multi_modal_projector = Projector(config)
        self.language_model = Container(
            model=Container(
                embed_tokens=nn.Embedding(text.vocab_size, text.hidden_size),
                layers=nn.ModuleList(DecoderLayer(text, i) for i in range(text.num_hidden_layers)),
                norm=nn.RMSNorm(text.hidden_size, eps=text.rms_norm_eps),
            ),
            lm_head=nn.Linear(text.hidden_size, text.vocab_size, bias=False),
        )
        for module in self.modules():
            # At these widths the usual 0.02 does not learn.
            if isinstance(module, nn.Linear | nn.Conv2d):
                nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
        nn.init.normal_(self.language_model.model.embed_tokens.weight, std=0.3)

    def see(self, patches: list[Tensor], grids: list[tuple[int, int]]) -> list[Tensor]:
        """Per picture the vectors (rows·columns/4, H) that replace its placeholders in the prompt."""
        seen = self.vision_tower(patches, grids)
        return [self.multi_modal_projector(x, grid) for x, grid in zip(seen, grids, strict=True)]

    def forward(self, ids: Tensor, seen: list[Tensor], positions: Tensor) -> Tensor:
        """Logits (batch, length, vocabulary) for ids and positions (batch, length); `seen` fills places in order."""
        text, model = self.config.text_config, self.language_model.model
        x = model.embed_tokens(ids)
        if seen:
            places = ids == self.config.media_placeholder_token_id
            x = x.masked_scatter(places[..., None], torch.cat(seen).to(x.dtype))
        dim = text.qk_rope_head_dim
        frequencies = text.rope_theta ** (-torch.arange(0, dim, 2) / dim)
        cis = _cis(positions[..., None] * frequencies)
        for layer in model.layers:
            x = layer(x, cis)
        logits: Tensor = self.language_model.lm_head(model.norm(x))
        return logits
