"""What the reader is asked, and what it refuses because it can't do it."""

import pytest

from engine.reader.errors import ReaderError
from engine.reader.messages import ChatRequest, conversation

ASKED = [{"role": "user", "content": "Read it."}]


@pytest.mark.parametrize("more", [{}, {"response_format": {"type": "text"}}, {"tool_choice": "auto", "tools": []}])
def test_it_answers_in_text(more: dict[str, object]) -> None:
    request = ChatRequest.model_validate({"messages": ASKED, **more})
    assert conversation(request).question == "Read it."


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ],
)
def test_it_refuses_what_it_would_have_to_ignore(more: dict[str, object], param: str) -> None:
    request = ChatRequest.model_validate({"messages": ASKED, **more})
    with pytest.raises(ReaderError, match="This server reads the text of pictures") as refused:
        conversation(request)
    assert refused.value.param == param
