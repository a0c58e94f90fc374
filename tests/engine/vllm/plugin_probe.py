"""Run by vLLM's Python: feeds the reasoning parser as vLLM's own serving does; prints what it made of each case.

Standard input: a JSON list of {"prefix", "text", "cut"}; `cut` tokens make one delta. Output: one JSON line.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from transformers import AutoTokenizer
from vllm.parser import ParserManager
from vllm.reasoning import ReasoningParserManager

ROOT = Path(__file__).parents[3]
TURN = "<|im_assistant|>assistant<|im_middle|>"
# An earlier message with a think block must not count.
BEFORE = "<|im_user|>user<|im_middle|>◁think▷ is what?◁/think▷<|im_end|>" + TURN


def request_of(prefix: str) -> Any:
    return SimpleNamespace(
        messages=[{"role": "assistant", "content": prefix}],
        continue_final_message=bool(prefix),
        include_reasoning=True,
        tool_choice="none",
        tools=None,
    )


def streamed(parser: Any, tokenizer: Any, case: dict[str, Any]) -> list[str]:
    """(reasoning, answer) as a stream; the text of a delta is what the detokenizer gives, held back in a character."""
    prompt = tokenizer.encode(BEFORE + case["prefix"])
    ids = tokenizer.encode(case["text"])
    reasoning, answer, sent = "", "", ""
    cuts = [*range(case["cut"], len(ids), case["cut"]), len(ids)]
    start = 0
    for end in cuts:
        whole = tokenizer.decode(ids[:end])
        shown = whole.rstrip("\ufffd") if end < len(ids) else whole
        delta, sent = shown[len(sent) :], max(sent, shown, key=len)
        message = parser.parse_delta(
            delta, ids[start:end], request_of(case["prefix"]), prompt, finished=end == len(ids)
        )
        start = end
        if message is not None:
            reasoning += message.reasoning or ""
            answer += message.content or ""
    return [reasoning, answer]


def main() -> None:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "engine" / "nano" / "checkpoint")
    ReasoningParserManager.import_reasoning_parser(str(ROOT / "engine" / "engines" / "vllm" / "plugin.py"))
    make = ParserManager.get_parser(tool_parser_name=None, reasoning_parser_name="kimi_vl", enable_auto_tools=False)
    results = []
    for case in json.load(sys.stdin):
        whole = make(tokenizer).parse(case["text"], request_of(case["prefix"]))
        results.append(
            {
                "whole": [part or "" for part in whole[:2]],
                "streamed": streamed(make(tokenizer), tokenizer, case),
                "reasoning_tokens": make(tokenizer).count_reasoning_tokens(tokenizer.encode(case["text"])),
                "ended": make(tokenizer).is_reasoning_end(tokenizer.encode(BEFORE + case["prefix"])),
            }
        )
    print(json.dumps(results))


main()
