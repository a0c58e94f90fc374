"""The conversation of one task: question, calls, results, answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.catalog import Model
from engine.measure.accuracy.asking import REFUSED, Answered, Setting, picture_part
from engine.measure.accuracy.reply import AskingError, Call, Reply, ask
from engine.measure.accuracy.tools.judging import Conversation, fits, is_object
from engine.measure.accuracy.tools.tasks import Task
from engine.plans.launch import LaunchPlan

if TYPE_CHECKING:
    import aiohttp

IN_CIRCLES = "rounds"
"""The finish of a model that only calls."""
_MOST_ROUNDS = 6
_NOTHING = "Error: nothing was found for these arguments."
_BROKEN = "Error: the arguments were not a JSON object."
_Message = dict[str, Any]


async def talk(
    session: aiohttp.ClientSession, plan: LaunchPlan, setting: Setting, model: Model, task: Task
) -> Answered:
    """What the model did in this task, as a `Conversation`.

    Raises:
        AskingError: the engine refuses, is gone, or its reply does not follow the API.
        SetError: the picture can't be read.
    """
    content: list[_Message] = [{"type": "text", "text": task.question}]
    if task.picture:
        content.insert(0, await picture_part(plan, task.name, task.read_picture))
    messages: list[_Message] = [{"role": "user", "content": content}]
    body = {"model": plan.served_name, "messages": messages, "tools": task.offered, **setting.sampling}
    made: list[Call] = []
    for _ in range(_MOST_ROUNDS):
        reply = await ask(session, plan, model, task.name, body)
        if reply is None and not made and not task.picture:
            raise AskingError(
                f"The engine rejects {task.name}, a question of a few words with tools: start it with tool calling "
                "(vLLM: --enable-auto-tool-choice --tool-call-parser NAME)."
            )
        if reply is None or not reply.calls:
            text, finish = (reply.text, reply.finish) if reply else ("", REFUSED)
            return Answered(task.name, Conversation(tuple(made), text).as_text(), finish)
        made += reply.calls
        messages += [_calling(reply), *(_result(task, call) for call in reply.calls)]
    return Answered(task.name, Conversation(tuple(made)).as_text(), IN_CIRCLES)


def _calling(reply: Reply) -> _Message:
    # Engines parse the arguments for their template, and fail on broken ones.
    functions = [
        {"name": call.name, "arguments": call.arguments if is_object(call.arguments) else "{}"} for call in reply.calls
    ]
    message: _Message = {"role": "assistant", "content": reply.text}
    message["tool_calls"] = [
        {"id": call.id, "type": "function", "function": function}
        for call, function in zip(reply.calls, functions, strict=True)
    ]
    if reply.reasoning:
        # Kimi's models need it within a turn. vLLM reads the first, SGLang and llama.cpp the second.
        message |= {"reasoning": reply.reasoning, "reasoning_content": reply.reasoning}
    return message


def _result(task: Task, call: Call) -> _Message:
    found = next((wanted.result for wanted in task.calls if fits(wanted, call)), _NOTHING)
    found = found if is_object(call.arguments) else _BROKEN
    return {"role": "tool", "tool_call_id": call.id, "content": found}
