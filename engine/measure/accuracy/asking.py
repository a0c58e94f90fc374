"""Asks the engine about each item of a set and saves every answer at once, so that a repeated command continues."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from engine.catalog import Model, find_model
from engine.formats.padded import padded
from engine.measure.accuracy.reply import AskingError, ask
from engine.measure.accuracy.sets import Item, PictureSet, SetError, picture_url
from engine.measure.running_engine import Running
from engine.plans.launch import LaunchPlan

if TYPE_CHECKING:
    import aiohttp

REFUSED = "refused"
_PATIENCE = 3600.0
"""Seconds for one answer: a long thought on a slow machine, or a long wait in the queue."""
T = TypeVar("T")


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
    def sampling(self) -> dict[str, Any]:
        """Its part of a request."""
        return {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}

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
    """Asks about at most `limit` pictures; otherwise as `ask_each`, which says what is raised."""
    model = find_model(setting.model)

    async def about(session: aiohttp.ClientSession, entry: tuple[Item, Callable[[], bytes]]) -> Answered:
        item, picture = entry
        content = [await picture_part(running.plan, item.name, picture), {"type": "text", "text": item.question}]
        body = {"model": running.plan.served_name, "messages": [{"role": "user", "content": content}]}
        reply = await ask(session, running.plan, model, item.name, body | setting.sampling)
        return Answered(item.name, reply.text, reply.finish) if reply else Answered(item.name, "", REFUSED)

    entries = islice(pictures.items(), limit)
    found = await ask_each(
        running, entries, answers, name=lambda entry: entry[0].name, about=about, at_once=at_once, hear=hear
    )
    return [(item, said) for (item, _), said in found]


async def ask_each(
    running: Running,
    entries: Iterable[T],
    answers: Answers,
    *,
    name: Callable[[T], str],
    about: Callable[[aiohttp.ClientSession, T], Awaitable[Answered]],
    at_once: int,
    hear: Callable[[int], None],
) -> list[tuple[T, Answered]]:
    """Returns each entry with its answer, that of `about` unless it is known; `hear` gets the number of answered ones.

    Raises:
        AskingError: the engine refuses, is gone, or its reply does not follow the API.
        SetError: a picture of the set can't be read.
    """
    import aiohttp  # noqa: PLC0415 - takes a third of a second, and other commands don't need it

    headers = {"Authorization": f"Bearer {running.key}"}
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    todo, done = iter(entries), []
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def work() -> None:
            for entry in todo:
                if name(entry) not in answers.known:
                    answers.add(await about(session, entry))
                done.append((entry, answers.known[name(entry)]))
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


async def picture_part(plan: LaunchPlan, name: str, picture: Callable[[], bytes]) -> dict[str, Any]:
    """The picture as a part of a message, as the page would send it.

    Raises:
        SetError: it can't be read.
    """
    data = await asyncio.to_thread(_as_sent, plan, name, picture)
    return {"type": "image_url", "image_url": {"url": picture_url(data)}}


def _as_sent(plan: LaunchPlan, name: str, picture: Callable[[], bytes]) -> bytes:
    if not plan.picture_patches:
        return picture()
    try:
        return padded(picture(), plan.picture_patches)
    except OSError as error:
        raise SetError(f"{name} can't be read as a picture: {error}") from None
