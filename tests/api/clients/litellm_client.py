"""LiteLLM: python litellm_client.py BASE_URL PICTURE, with the key in OPENAI_API_KEY; prints JSON."""

import base64
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import litellm
import openai

base_url, picture = sys.argv[1], Path(sys.argv[2]).read_bytes()
litellm.suppress_debug_info = True
url = "data:image/png;base64," + base64.b64encode(picture).decode()
content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What does the sign say?"}]
messages = [{"role": "user", "content": content}]
weather = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
tools = [{"type": "function", "function": weather}]


def complete(model: str = "openai/scripted", key: str = os.environ["OPENAI_API_KEY"], **options: Any) -> Any:
    asked = {"messages": messages, "num_retries": 0, "timeout": 60} | options
    return litellm.completion(model=model, api_base=base_url, api_key=key, **asked)


def failure(**options: str) -> list[object]:
    try:
        complete(**options)
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, str(error)]
    return []


call = complete(messages=[{"role": "user", "content": "Rain?"}], tools=tools).choices[0].message.tool_calls[0].function
print(
    json.dumps(
        {
            "version": version("litellm"),
            "answer": complete().choices[0].message.content,
            "stream": [
                chunk.choices[0].delta.content for chunk in complete(stream=True) if chunk.choices[0].delta.content
            ],
            "tool": [call.name, json.loads(call.arguments)],
            "no_model": failure(model="openai/no-such-model"),
            "no_key": failure(key="a-wrong-key"),
        }
    )
)
