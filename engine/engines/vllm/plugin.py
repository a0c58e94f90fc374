"""vLLM's reasoning parser for Kimi-VL, `--reasoning-parser kimi_vl`; vLLM loads this file by its path.

vLLM's own parsers look for single marker tokens, but Kimi-VL's tags are ordinary text of several tokens, so this parser
works on text, with `engine.reasoning_tags`. It runs in `.venv-vllm`, with the project's folder on PYTHONPATH.

A message that the client continues (`continue_final_message`) is read from its beginning. The old text only decides
where the new text belongs: a think block left open continues as reasoning.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Any

from vllm.entrypoints.generate.base.protocol import DeltaMessage
from vllm.reasoning import ReasoningParser, ReasoningParserManager

from engine.reasoning_tags import KIMI_VL, Kind, Piece, Splitter, join

_TURN_BEGINS = "<|im_middle|>"
"""Kimi-VL's last special token before a message's text."""
_MARK_TOKENS = 16
"""More tokens than the closing tag can have: 3 of its 8 characters have 3 bytes each in UTF-8."""


@ReasoningParserManager.register_module("kimi_vl")
class KimiVLReasoningParser(ReasoningParser):
    """The parser of one request; vLLM calls its methods for streams or those for whole messages."""

    engine_based_streaming = True

    def __init__(self, tokenizer: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(tokenizer, *args, **kwargs)
        self._prefix = ""
        self._splitter = Splitter()
        self._answered = False
        self._turn_begins: int | None = tokenizer.convert_tokens_to_ids(_TURN_BEGINS)

    @property
    def reasoning_start_str(self) -> str:
        """The opening tag."""
        return KIMI_VL.open

    @property
    def reasoning_end_str(self) -> str:
        """The closing tag."""
        return KIMI_VL.close

    # Streaming

    def adjust_initial_state_from_prompt(self, prompt_token_ids: Sequence[int]) -> None:
        """Starts where the prompt's last message ends. Usually that is empty, which changes nothing."""
        self._begin_after(self._last_message(prompt_token_ids))

    def extract_reasoning_streaming(  # noqa: PLR0917 - vLLM's signature
        self,
        previous_text: str,
        current_text: str,
        delta_text: str,
        previous_token_ids: Sequence[int],
        current_token_ids: Sequence[int],
        delta_token_ids: Sequence[int],
    ) -> DeltaMessage | None:
        """The reasoning and the answer in this delta; None while all of it may still be part of a tag."""
        return self._delta(self._splitter.feed(delta_text))

    def finish_streaming(self) -> DeltaMessage | None:
        """The text that was held back, at the end of the stream."""
        return self._delta(self._splitter.finish())

    def has_engine_confirmed_reasoning_end(self) -> bool:
        """Whether the answer has begun after a think block; vLLM then forwards all further text by itself."""
        return self._answered

    def _delta(self, pieces: list[Piece]) -> DeltaMessage | None:
        fields: dict[str, str] = {}
        for kind, text in pieces:
            name = "reasoning" if kind is Kind.REASONING else "content"
            # A stream can't retract what it sent. The tag stays in, so that the client can do it.
            fields[name] = fields.get(name, "") + (KIMI_VL.close if kind is Kind.RETRACT else text)
        self._answered = self._answered or ("content" in fields and self._splitter.after_reasoning)
        return DeltaMessage(**fields) if fields else None

    # Whole messages

    def extract_reasoning(self, model_output: str, request: Any) -> tuple[str | None, str | None]:
        """The (reasoning, answer) of a complete output; None for a part that is missing."""
        self._begin_after(_continued_text(request))
        reasoning, answer = join([*self._splitter.feed(model_output), *self._splitter.finish()])
        return reasoning or None, answer or None

    # Both

    def count_reasoning_tokens(self, token_ids: Sequence[int]) -> int:
        """How many generated tokens are reasoning, including the tags."""
        splitter = _splitter_after(self._prefix)
        reasoning, _ = join([*splitter.feed(self._decode(token_ids)), *splitter.finish()])
        return self._reasoning_length(token_ids) if reasoning else 0

    def is_reasoning_end(self, input_ids: Sequence[int]) -> bool:
        """Whether the last message among the tokens has closed its think block."""
        return _splitter_after(self._last_message(input_ids)).after_reasoning

    def is_reasoning_end_streaming(self, input_ids: Sequence[int], delta_ids: Iterable[int]) -> bool:
        """The same after a step; first checks whether a closing tag can be among the newest tokens."""
        newest = input_ids[-(len(list(delta_ids)) + _MARK_TOKENS) :]
        return KIMI_VL.close in self._decode(newest) and self.is_reasoning_end(input_ids)

    def extract_content_ids(self, input_ids: list[int]) -> list[int]:
        """The tokens after the closing tag; all tokens if there is none."""
        end = self._reasoning_length(input_ids)
        return input_ids[end:] if KIMI_VL.close in self._decode(input_ids) else input_ids

    def _reasoning_length(self, token_ids: Sequence[int]) -> int:
        """The number of tokens up to the end of the first closing tag; of all tokens if there is none."""
        lengths = range(len(token_ids))
        return bisect_left(lengths, True, key=lambda length: KIMI_VL.close in self._decode(token_ids[:length]))

    def _begin_after(self, prefix: str) -> None:
        self._prefix = prefix
        self._splitter = _splitter_after(prefix)

    def _last_message(self, token_ids: Sequence[int]) -> str:
        ids = list(token_ids)
        if self._turn_begins in ids:
            ids = ids[len(ids) - ids[::-1].index(self._turn_begins) :]
        return self._decode(ids)

    def _decode(self, token_ids: Sequence[int]) -> str:
        text: str = self.model_tokenizer.decode(list(token_ids), skip_special_tokens=True)
        return text


def _splitter_after(prefix: str) -> Splitter:
    splitter = Splitter()
    splitter.feed(prefix)
    return splitter


def _continued_text(request: Any) -> str:
    """The text of the message that this request continues; empty for a new one."""
    if not getattr(request, "continue_final_message", False):
        return ""
    content = request.messages[-1].get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content)
