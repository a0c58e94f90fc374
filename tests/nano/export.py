"""Writes nano as a checkpoint of the form that hubs have: weights in bf16, configuration, tokenizer, processor."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from engine.nano import CHECKPOINT
from engine.nano.checkpoint.nano_processing import NanoImageProcessor
from tests.nano.architecture import Nano
from tests.nano.vocabulary import save_tokenizer

MAX_LENGTH = 8192
_PROCESSING = CHECKPOINT / "nano_processing.py"


def export(model: Nano, tokenizer: Tokenizer, folder: Path) -> None:
    """Write all files of the checkpoint; the weights appear at once or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {
        "config.json": model.config.to_json(),
        "generation_config.json": _generation(model, tokenizer),
        "preprocessor_config.json": _preprocessor(),
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    save_tokenizer(tokenizer, folder, MAX_LENGTH)
    if folder.resolve() != _PROCESSING.parent.resolve():
        shutil.copy(_PROCESSING, folder)
    partial = folder / "model.safetensors.partial"
    save_file(_weights(model), partial, metadata={"format": "pt"})
    partial.replace(folder / "model.safetensors")


def _weights(model: Nano) -> dict[str, torch.Tensor]:
    # The routers' correction bias is compared at full precision, as in DeepSeek-V3's own checkpoints.
    return {
        name: value.detach().to(torch.float32 if name.endswith("correction_bias") else torch.bfloat16).contiguous()
        for name, value in model.state_dict().items()
    }


def _generation(model: Nano, tokenizer: Tokenizer) -> dict[str, object]:
    config = model.config
    # As in Kimi-VL, the turn's end is not the text's end that config.json names.
    stops = [config.eos_token_id, tokenizer.token_to_id("<|im_end|>")]
    return {"eos_token_id": stops, "bos_token_id": config.bos_token_id, "pad_token_id": config.pad_token_id}


def _preprocessor() -> dict[str, object]:
    processor = NanoImageProcessor()
    code = "nano_processing.Nano"
    names = ("in_token_limit", "patch_size", "merge_kernel_size", "image_mean", "image_std")
    return {
        "auto_map": {"AutoImageProcessor": f"{code}ImageProcessor", "AutoProcessor": f"{code}Processor"},
        "image_processor_type": "NanoImageProcessor",
        "processor_class": "NanoProcessor",
        **{name: getattr(processor, name) for name in names},
    }
