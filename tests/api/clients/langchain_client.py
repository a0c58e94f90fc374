"""LangChain: python langchain_client.py BASE_URL PICTURE, with the key in OPENAI_API_KEY; prints JSON."""

import base64
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

import openai
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI

base_url, picture = sys.argv[1], Path(sys.argv[2]).read_bytes()


def model(name: str = "scripted", key: str = os.environ["OPENAI_API_KEY"]) -> ChatOpenAI:
    return ChatOpenAI(model=name, base_url=base_url, api_key=key, max_retries=0, timeout=60)


url = "data:image/png;base64," + base64.b64encode(picture).decode()
content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What does the sign say?"}]
question = [HumanMessage(content=content)]


def weather(city: str) -> str:
    """The weather in a city."""
    return city


def failure(chat: ChatOpenAI) -> list[object]:
    try:
        chat.invoke(question)
    except openai.APIStatusError as error:
        known = next(kind.__name__ for kind in type(error).__mro__ if kind.__module__.startswith("openai"))
        return [known, error.status_code, error.body["message"]]
    return []


[call] = model().bind_tools([weather]).invoke("Rain?").tool_calls
print(
    json.dumps(
        {
            "version": version("langchain-openai"),
            "answer": model().invoke(question).content,
            "stream": [chunk.content for chunk in model().stream(question) if chunk.content],
            "tool": [call["name"], call["args"]],
            "no_model": failure(model("no-such-model")),
            "no_key": failure(model(key="a-wrong-key")),
        }
    )
)
