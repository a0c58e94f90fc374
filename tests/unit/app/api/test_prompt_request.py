"""Requests to `/v1/completions`: text goes through, and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.api.completion_request import CompletionRequest
from app.api.errors import ApiError
from app.api.prompt_request import prompt_pictures


@pytest.mark.parametrize("prompt", ["", "x", ["x", "y"], [1, 2], [[1, 2], [3]]])
def test_text_and_tokens_go_through(prompt: Any) -> None:
    request = CompletionRequest(orjson.dumps({"prompt": prompt, "echo": True, "prompt_embeds": None}), prompt_pictures)
    assert orjson.loads(request.encode()) == {"prompt": prompt, "echo": True}
    assert request.pictures == []


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"prompt": None}, {"prompt": []}, {"prompt": {"prompt_string": "x", "multimodal_data": ["AA=="]}},
        {"prompt": [{"multimodal_data": ["AA=="]}]}, {"prompt": [[["x"]]]}, {"prompt": "x", "prompt_embeds": "AA=="},
    ],
)  # fmt: skip
def test_nothing_but_text_does(fields: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refused:
        CompletionRequest(orjson.dumps(fields), prompt_pictures)
    assert refused.value.status == 400
