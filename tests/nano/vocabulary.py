"""Nano's tokenizer: byte-level BPE with Kimi-VL's special tokens; the numbers up to 300 are a token each.

Like Kimi-VL's, the reasoning marks are ordinary text and take several tokens.
"""

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIAL_TOKENS = (
    "[BOS]",
    "[EOS]",
    "[PAD]",
    "<|im_end|>",
    "<|im_user|>",
    "<|im_assistant|>",
    "<|im_system|>",
    "<|im_middle|>",
    "<|media_start|>",
    "<|media_content|>",
    "<|media_end|>",
    "<|media_pad|>",
)
PICTURE = "<|media_start|>image<|media_content|><|media_pad|><|media_end|>"
LARGEST_NUMBER = 300

# Kimi-VL's format; the client's system prompt takes the place of the default one.
CHAT_TEMPLATE = (
    """\
{%- if messages[0].role != 'system' -%}
{{ '<|im_system|>system<|im_middle|>You are a helpful assistant<|im_end|>' }}
{%- endif -%}
{%- for message in messages -%}
{{ '<|im_' + message.role + '|>' + message.role + '<|im_middle|>' }}
{%- if message.content is string -%}
{{ message.content }}
{%- else -%}
{%- for part in message.content -%}
{{ part.text if part.type == 'text' else '"""
    + PICTURE
    + """' }}
{%- endfor -%}
{%- endif -%}
{{ '<|im_end|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_assistant|>assistant<|im_middle|>' }}
{%- endif -%}
"""
)


def train_tokenizer(texts: list[str], vocab_size: int) -> Tokenizer:
    """Learn merges from `texts`; every number up to `LARGEST_NUMBER` after a space must come out as one token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
    for number in range(1, LARGEST_NUMBER + 1):
        if len(tokenizer.encode(f" {number}").ids) != 1:
            raise ValueError(f"' {number}' is not one token; give the texts more numbers or the vocabulary more room")
    return tokenizer


def save_tokenizer(tokenizer: Tokenizer, folder: Path, max_length: int) -> None:
    """Write tokenizer.json, tokenizer_config.json and the chat template."""
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "[BOS]",
        "eos_token": "[EOS]",
        "pad_token": "[PAD]",
        "additional_special_tokens": list(SPECIAL_TOKENS[3:]),
        "model_max_length": max_length,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)
