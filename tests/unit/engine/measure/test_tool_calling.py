"""`./start.sh eval tools` on a server that calls rightly, wrongly, or not at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from engine.measure.accuracy.command import Asked, UnsuitableError, evaluate
from engine.measure.accuracy.reply import AskingError, Call
from engine.measure.accuracy.report import Report
from engine.measure.accuracy.tools.judging import Conversation, judge
from engine.measure.accuracy.tools.tasks import Task, our_tasks
from engine.measure.running_engine import Running
from engine.plans.launch import EngineTraits, LaunchPlan

Message = dict[str, Any]
Solver = Callable[[Task, int], Message]
"""The message of a model in this task, after so many of its calls have had a result."""


def saying(text: str) -> Message:
    return {"role": "assistant", "content": text}


def calling(*calls: tuple[str, str]) -> Message:
    listed = [
        {"id": f"functions.{name}:{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "reasoning_content": "I call.", "tool_calls": listed}


def rightly(task: Task, done: int) -> Message:
    if done == len(task.calls):
        return saying(" ".join(group[0] for group in task.answer) or "It is done.")
    wanted = task.calls if task.name == "two-cities" else task.calls[done : done + 1]
    rights = [(one.name, {name: values[0] for name, values in one.arguments.items()}) for one in wanted]
    return calling(*((name, json.dumps(_complete(task, name, arguments))) for name, arguments in rights))


def _complete(task: Task, name: str, arguments: Message) -> Message:
    required = task.functions[name]["parameters"]["required"]
    return {**dict.fromkeys(required, ""), **arguments}


async def report_of(
    solve: Solver,
    folder: Path,
    *,
    model: str = "Kimi-K2.5",
    limit: int | None = None,
    requests: list[Any] | None = None,
) -> Report:
    """What the command reports of a server that answers by `solve`; a message with `status` is an error of HTTP."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        if requests is not None:
            requests.append(body)
        question = body["messages"][0]["content"][-1]["text"]
        task = next(task for task in our_tasks() if task.question == question)
        assert body["tools"] == task.offered
        message = solve(task, sum(message["role"] == "tool" for message in body["messages"]))
        if status := message.get("status"):
            return web.Response(status=status)
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}]})

    app = web.Application(client_max_size=10**7)
    app.router.add_post("/v1/chat/completions", handle)
    async with TestServer(app) as server:
        traits = EngineTraits(remote=True)
        plan = LaunchPlan("openai", model, model, str(server.make_url("/v1")), "data", traits)
        here, asked = Running(plan, "a-key", 32768, ""), Asked("tools", limit=limit)
        return await asyncio.to_thread(evaluate, here, asked, folder, Console(file=StringIO()))


def figures(report: Report) -> dict[str, int]:
    return {score.name.partition(" (")[0]: round(score.value) for score in report.scores}


def test_there_are_thirty_tasks_and_each_is_possible() -> None:
    tasks = our_tasks()
    assert len(tasks) == len({task.name for task in tasks}) == len({task.question for task in tasks}) == 30
    assert sum(not task.calls for task in tasks) >= 6
    assert sum(bool(task.picture) for task in tasks) >= 5
    for task in tasks:
        made = [rightly(task, done).get("tool_calls", []) for done in range(len(task.calls) + 1)]
        calls = [
            Call(one["id"], one["function"]["name"], one["function"]["arguments"]) for some in made for one in some
        ]
        verdict = judge(task, Conversation(tuple(calls), str(rightly(task, len(task.calls))["content"])))
        assert verdict.right, task.name
        if task.picture:
            assert task.read_picture()


async def test_a_model_that_does_everything_right_has_every_figure_beside_the_published_one(tmp_path: Path) -> None:
    requests: list[Any] = []
    report = await report_of(rightly, tmp_path, requests=requests)
    assert (report.items, report.of, set(figures(report).values())) == (30, 30, {100})
    assert any("89.6" in note and "others than these" in note for note in report.notes)
    (second,) = [body for body in requests if "Rome" in str(body["messages"][0]) and len(body["messages"]) > 1]
    _, made, rome, helsinki = second["messages"]
    assert made["reasoning_content"] == "I call."
    assert [one["id"] for one in made["tool_calls"]] == [rome["tool_call_id"], helsinki["tool_call_id"]]
    assert "23" in rome["content"]
    (picture, _) = next(body for body in requests if len(body["messages"][0]["content"]) == 2)["messages"][0]["content"]
    assert picture["image_url"]["url"].startswith("data:image/")


@pytest.mark.parametrize(
    ("solve", "expected"),
    [
        # It calls nothing, and so is right only where it should not.
        (lambda task, done: saying(" ".join(group[0] for group in task.answer) or "Done."),
         {"called, or rightly not": 23, "right arguments": 0, "with a picture, all right": 17, "all right": 23}),
        # JSON that breaks off.
        (lambda task, done: calling(("get_weather", '{"city": "Bei')) if not done else saying("?"),
         {"calls that fit the schema": 0, "right arguments": 0, "all right": 0}),
        # A tool that there is not, over and over.
        (lambda task, done: calling(("rm", "{}")), {"called, or rightly not": 0, "result used in the answer": 0}),
        # The engine can't take the result, as a template may not.
        (lambda task, done: {"status": 400} if done else rightly(task, done),
         {"calls that fit the schema": 100, "result used in the answer": 0, "all right": 23}),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_counted_by_its_kind(solve: Solver, expected: dict[str, int], tmp_path: Path) -> None:
    found = figures(await report_of(solve, tmp_path))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("arguments", "valid", "right"),
    [
        ('{"room": "kitchen", "brightness": 30}', True, True),
        ('{"room": "kitchen", "brightness": "30"}', False, False),
        ('{"room": "Kitchen", "brightness": 30}', False, True),
        ('{"room": "kitchen", "brightness": true}', False, False),
        ('{"room": "hall", "brightness": 30}', True, False),
        ('["kitchen"]', False, False),
        ("", False, False),
    ],
)
def test_the_schema_and_the_values_are_judged_apart(arguments: str, valid: bool, right: bool) -> None:
    task = next(task for task in our_tasks() if task.name == "light")
    verdict = judge(task, Conversation((Call("1", "set_light", arguments),), "Done."))
    assert (verdict.valid, verdict.arguments, verdict.right) == ((valid,), right, valid and right)


async def test_a_repeated_command_goes_on_and_the_limit_holds(tmp_path: Path) -> None:
    requests: list[Any] = []

    def dies(task: Task, done: int) -> Message:
        return {"status": 503} if len(requests) > 5 else rightly(task, done)

    with pytest.raises(AskingError, match="503"):
        await report_of(dies, tmp_path, requests=requests)
    kept = len(next(tmp_path.glob("*.jsonl")).read_text().splitlines()) - 1
    requests.clear()
    report = await report_of(rightly, tmp_path, limit=kept, requests=requests)
    assert requests == []
    assert report.items == kept
    assert json.loads(next(tmp_path.glob("tools-*.json")).read_text())["items"] == kept
    assert any("--limit" in note for note in report.notes)


async def test_a_model_without_eyes_is_asked_without_pictures_and_an_unknown_one_is_asked(tmp_path: Path) -> None:
    report = await report_of(rightly, tmp_path, model="Kimi-K2-Thinking")
    assert (report.items, report.of) == (24, 24)
    assert (await report_of(rightly, tmp_path, model="my-own", limit=2)).items == 2


async def test_data_of_ones_own_is_no_set_of_tasks(tmp_path: Path) -> None:
    plan = LaunchPlan("openai", "my-own", "my-own", "http://127.0.0.1:1/v1", "data", EngineTraits(remote=True))
    with pytest.raises(UnsuitableError, match="--data"):
        evaluate(Running(plan, "", None, ""), Asked("tools", tmp_path), tmp_path, Console(file=StringIO()))
