"""Pictures in the results of tools, in a program's request."""

import json
from typing import Any

from app.api.completion_request import CompletionRequest

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def result(*parts: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "1", "content": list(parts)}


def test_pictures_of_results_follow_as_a_message_of_the_user_and_are_checked_there() -> None:
    text = {"type": "text", "text": "Two."}
    messages = [
        {"role": "user", "content": "?"},
        result(text, PICTURE),
        result(PICTURE),
        {"role": "user", "content": "!"},
    ]
    request = CompletionRequest(json.dumps({"messages": messages}).encode())
    assert [slot.path for slot in request.pictures] == ["messages[1].content[1]", "messages[2].content[0]"]
    for number, slot in enumerate(request.pictures):
        slot.url = f"checked {number}"
    sent = json.loads(request.encode())["messages"]
    assert [message["role"] for message in sent] == ["user", "tool", "tool", "user", "user"]
    assert sent[1]["content"] == [text]
    assert isinstance(sent[2]["content"], str)
    assert [part["image_url"]["url"] for part in sent[3]["content"][:2]] == ["checked 0", "checked 1"]
    assert sent[4]["content"] == "!"


def test_the_last_result_and_one_without_pictures() -> None:
    request = CompletionRequest(json.dumps({"messages": [result("text"), result(PICTURE)]}).encode())
    assert [message["role"] for message in json.loads(request.encode())["messages"]] == ["tool", "tool", "user"]
    plain = {"role": "tool", "tool_call_id": "1", "content": "text"}
    request = CompletionRequest(json.dumps({"messages": [plain]}).encode())
    assert json.loads(request.encode())["messages"] == [plain]
