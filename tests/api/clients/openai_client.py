"""The openai package: python openai_client.py BASE_URL PICTURE, with the key in OPENAI_API_KEY; prints JSON."""

import base64
import json
import sys
from pathlib import Path

import openai

base_url, picture = sys.argv[1], Path(sys.argv[2]).read_bytes()
client = openai.OpenAI(base_url=base_url, max_retries=0, timeout=60)
url = "data:image/png;base64," + base64.b64encode(picture).decode()
content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What does the sign say?"}]
messages = [{"role": "user", "content": content}]
weather = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
tools = [{"type": "function", "function": weather}]

answer = client.chat.completions.create(model="scripted", messages=messages)
stream = client.chat.completions.create(model="scripted", messages=messages, stream=True)
pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices and chunk.choices[0].delta.content]
called = client.chat.completions.create(model="scripted", messages=[{"role": "user", "content": "Rain?"}], tools=tools)
call = called.choices[0].message.tool_calls[0].function
response = client.responses.create(model="scripted", input="Hello")


def failure(model: str, key: str | None) -> list[object]:
    try:
        client.with_options(api_key=key or client.api_key).chat.completions.create(model=model, messages=messages)
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.body["message"]]
    return []


print(
    json.dumps(
        {
            "version": openai.__version__,
            "answer": answer.choices[0].message.content,
            "stream": pieces,
            "tool": [call.name, json.loads(call.arguments)],
            "response": response.output_text,
            "no_model": failure("no-such-model", None),
            "no_key": failure("scripted", "a-wrong-key"),
        }
    )
)
