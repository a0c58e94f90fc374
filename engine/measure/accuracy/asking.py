"""Asks the engine about each item of a set and saves every answer at once, so that a repeated command continues."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine import reasoning_tags
from engine.catalog import Model, find_model
from engine.formats.padded import padded
from engine.measure.accuracy.sets import Item, PictureSet, SetError, data_url
from engine.measure.running_engine import Running
from engine.plans.launch import LaunchPlan

if TYPE_CHECKING:
    import aiohttp

REFUSED = "refused"
_ITS_FAULT = {400, 413, 422}
"""The HTTP statuses for an item that the engine can't process, e.g. one too long for its context."""
_PATIENCE = 3600.0
"""Seconds for one answer: a long thought on a slow machine, or a long wait in the queue."""


class AskingError(Exception):
    """The engine did not answer; the text contains its error. Earlier answers are kept."""


@dataclass(frozen=True)
class Setting:
    """Everything that an answer depends on; answers of different settings are not mixed."""

    task: str
    digest: str
    model: str
    engine: str
    engine_version: str
    temperature: float
    top_p: float
    max_tokens: int

    @property
    def name(self) -> str:
        """The name of the file of answers."""
        mark = hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:8]
        return f"{self.task}-{self.model}-{mark}".replace("/", "_")


@dataclass(frozen=True)
class Answered:
    """The engine's answer to one item, without its reasoning. `finish` is the API's finish reason, or `REFUSED`."""

    name: str
    answer: str
    finish: str


class Answers:
    """The answers of one setting, in a file of JSON lines, of which the first is the setting."""

    def __init__(self, folder: Path, setting: Setting) -> None:
        self.path = folder / f"{setting.name}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            self.path.write_text(json.dumps(asdict(setting), ensure_ascii=False) + "\n")
        self.known = self._read()

    def add(self, answered: Answered) -> None:
        """Saves an answer to disk."""
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(answered), ensure_ascii=False) + "\n")
        self.known[answered.name] = answered

    def _read(self) -> dict[str, Answered]:
        found, lines = {}, self.path.read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        if len(whole) < len(lines):
            # It was interrupted while writing a line: only whole lines count.
            self.path.write_text("".join(whole))
        for line in whole[1:]:
            with suppress(ValueError, TypeError):
                answered = Answered(**json.loads(line))
                found[answered.name] = answered
        return found


def setting_of(running: Running, model: Model, task: str, digest: str) -> Setting:
    """The setting of a run. Greedy, unless the model thinks: without its own temperature its thoughts go in circles."""
    thinks = model.thinking_marks is not None
    most = model.max_tokens if running.context is None else min(model.max_tokens, running.context // 2)
    return Setting(
        task=task, digest=digest, model=model.name, engine=running.plan.engine, engine_version=running.version,
        temperature=model.temperature if thinks else 0.0, top_p=model.top_p if thinks else 1.0, max_tokens=most,
    )  # fmt: skip


async def ask_all(
    running: Running,
    setting: Setting,
    pictures: PictureSet,
    answers: Answers,
    *,
    limit: int | None,
    at_once: int,
    hear: Callable[[int], None],
) -> list[tuple[Item, Answered]]:
    """Asks about at most `limit` items and returns each with its answer; `hear` gets the number of answered ones.

    Raises:
        AskingError: the engine refuses, is gone, or its reply does not follow the API.
        SetError: a picture of the set can't be read.
    """
    import aiohttp  # noqa: PLC0415 - takes a third of a second, and other commands don't need it

    headers = {"Authorization": f"Bearer {running.key}"}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    todo, done = islice(pictures.items(), limit), []
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def work() -> None:
            for item, picture in todo:
                if item.name not in answers.known:
                    data = await asyncio.to_thread(_as_sent, running.plan, item, picture())
                    answers.add(await _ask(session, running.plan, setting, item, data))
                done.append((item, answers.known[item.name]))
                hear(len(done))

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(work())
        except* (aiohttp.ClientError, TimeoutError, AskingError, SetError) as errors:
            # In one clause: with two, their exceptions would be grouped again.
            first = errors.exceptions[0]
            if isinstance(first, AskingError | SetError):
                raise type(first)(str(first)) from None
            raise AskingError(f"The engine no longer answers: {first!r}") from None
    return done


def _as_sent(plan: LaunchPlan, item: Item, picture: bytes) -> bytes:
    """The picture as the page would send it."""
    if not plan.picture_patches:
        return picture
    try:
        return padded(picture, plan.picture_patches)
    except OSError as error:
        raise SetError(f"{item.name} can't be read as a picture: {error}") from None


async def _ask(
    session: aiohttp.ClientSession, plan: LaunchPlan, setting: Setting, item: Item, picture: bytes
) -> Answered:
    content = [
        {"type": "image_url", "image_url": {"url": data_url(picture)}},
        {"type": "text", "text": item.question},
    ]
    body = {
        "model": plan.served_name, "messages": [{"role": "user", "content": content}],
        "temperature": setting.temperature, "top_p": setting.top_p, "max_tokens": setting.max_tokens,
    }  # fmt: skip
    async with session.post(f"{plan.base_url}/chat/completions", json=body) as reply:
        if reply.status in _ITS_FAULT:
            return Answered(item.name, "", REFUSED)
        if reply.status != 200:
            said = await reply.text(errors="replace")
            raise AskingError(f"The engine refuses {item.name} ({reply.status}): {said[:300]}")
        text, finish = _read(item, await reply.text(errors="replace"))
    if pair := find_model(setting.model).thinking_marks:
        # If the engine has already removed the reasoning, there are no tags left.
        text = reasoning_tags.split(text, reasoning_tags.Marks(*pair))[1]
    return Answered(item.name, text.strip(), finish)


def _read(item: Item, said: str) -> tuple[str, str]:
    """The answer and its finish reason."""
    try:
        choice: Mapping[str, Any] = json.loads(said)["choices"][0]
        return (choice["message"].get("content") or "").strip(), choice.get("finish_reason") or ""
    except (ValueError, LookupError, TypeError, AttributeError):
        raise AskingError(f"The engine's reply to {item.name} does not follow the API: {said[:300]}") from None
