"""The command itself: finds the files, reads some at a time, shows the progress, and writes the results."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app.batch.inputs import InputError, Inputs, find_inputs
from app.batch.output import Output, OutputError
from app.batch.reading import FileReader
from app.batch.results import FORMATS, Result, Source, shown
from app.upstream.state import EngineFailedError, EngineState
from engine.arguments import CALLED_FROM, given_path, positive
from engine.config import Settings
from engine.measure.running_engine import NotRunningError, find_running
from engine.supervise import control

_LOOK_SECONDS = 2.0
FAILED = 1
WRONG_USAGE = 2
INTERRUPTED = 130
_AT_ONCE = 8
"""Where the engine has no limit of its own."""


def parser() -> argparse.ArgumentParser:
    """The options of `./start.sh ocr`."""
    parser = argparse.ArgumentParser(
        prog="./start.sh ocr",
        description="Read many pictures and PDFs with the running engine, and write one result for each file.",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or a pattern such as 'scans/*.pdf'")
    parser.add_argument(
        "--out", type=_output, required=True, metavar="FILE", help="where the results go: *.jsonl, *.csv or *.md"
    )
    parser.add_argument(
        "--question", default="", help="what to ask about each file; without it: all its text, page by page"
    )
    parser.add_argument(
        "--jobs", type=positive, help="how many files at a time; without it: as many as the engine takes"
    )
    return parser


def run(settings: Settings, chosen: argparse.Namespace) -> int:
    """Reads the files; exit status 1 if one failed, 2 if there was nothing to read."""
    console = Console(stderr=True, highlight=False)
    try:
        inputs = find_inputs(chosen.paths, Path(os.environ.get(CALLED_FROM, "")))
        running = find_running(settings)
        jobs = chosen.jobs or min(_AT_ONCE, running.sequences or _AT_ONCE)
        with Output(chosen.out) as output:
            batch = Batch(output, chosen.question.strip(), console)
            asyncio.run(batch.read(settings, inputs.files, jobs))
            return batch.finish(inputs)
    except InputError as error:
        console.print(str(error), markup=False)
        return WRONG_USAGE
    except (NotRunningError, EngineFailedError, OutputError, OSError) as error:
        console.print(str(error), markup=False)
        return FAILED
    except KeyboardInterrupt:
        console.print("Stopped. The same command goes on where it stopped.")
        return INTERRUPTED


@dataclass
class Batch:
    """One run of the command."""

    output: Output
    question: str
    console: Console

    def __post_init__(self) -> None:
        self._known = self.output.journal.read()
        self._results: dict[Path, Result] = {}

    async def read(self, settings: Settings, files: Sequence[Path], jobs: int) -> None:
        """Reads what has no good result yet, `jobs` files at a time.

        Raises:
            EngineFailedError: the engine has failed for good.
            OSError: the journal can't be written.
        """
        waiting = iter([path for path in files if not self._read_before(path)])
        state = EngineState(settings)
        reader = FileReader(state, settings.files.uploads, self.question)
        try:
            with self._progress() as progress:
                task = progress.add_task("Reading", total=len(files), completed=len(self._results))

                async def worker() -> None:
                    for path in waiting:
                        result = await self._one(reader, path)
                        self.output.journal.add(result)
                        self._results[path] = result
                        progress.advance(task)
                        if result.error:
                            progress.console.print(f"{result.source.file}: {result.error}", markup=False)

                async with asyncio.TaskGroup() as group:
                    watcher = group.create_task(_until_stopped(settings))
                    await asyncio.wait([group.create_task(worker()) for _ in range(jobs)])
                    watcher.cancel()
        except* (EngineFailedError, NotRunningError, OSError) as failed:
            raise failed.exceptions[0] from None
        finally:
            reader.close()
            await state.close()

    def finish(self, inputs: Inputs) -> int:
        """Writes the results, says what failed, and returns the exit status.

        Those of this run come first, in the order of its files; then what earlier runs wrote to the same place.
        """
        results = [self._results[path] for path in inputs.files]
        failed = sum(bool(result.error) for result in results)
        now = {(result.source.file, result.source.question) for result in results}
        newest = {(result.source.file, result.source.question): result for result in self._known.values()}
        earlier = [
            result
            for key, result in newest.items()
            # What failed and is gone can't be tried again.
            if key not in now and (not result.error or Path(result.source.file).exists())
        ]
        left = failed + sum(bool(result.error) for result in earlier)
        self.output.write([*results, *earlier], complete=not left)
        for missing in inputs.missing:
            self.console.print(f"{missing}: no picture and no PDF is there.", markup=False)
        path = self.output.path
        self.console.print(f"{len(results) - failed} of {len(results)} files read: {path}", markup=False)
        if earlier:
            self.console.print(f"{path.name} also keeps {len(earlier)} results of earlier runs.", markup=False)
        if failed:
            self.console.print(f"{failed} failed; the same command tries them again.")
        return FAILED if failed or inputs.missing else 0

    def _read_before(self, path: Path) -> bool:
        try:
            known = self._known.get(Source.of(path, self.question))
        except OSError:
            return False
        if known is None or known.error:
            return False
        self._results[path] = known
        return True

    async def _one(self, reader: FileReader, path: Path) -> Result:
        try:
            source = Source.of(path, self.question)
        except OSError as error:
            source = Source(shown(path), 0, 0, self.question)
            return Result(source, error=f"It can't be read: {error.strerror or error}.")
        return await reader.read(path, source)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            TimeRemainingColumn(), console=self.console,
        )  # fmt: skip


async def _until_stopped(settings: Settings) -> None:
    """Raises NotRunningError once the engine's supervisor has ended: no answer would come, and no fault either."""
    while control.supervisor(settings.files) is not None:
        await asyncio.sleep(_LOOK_SECONDS)
    raise NotRunningError("The engine was stopped. Start it again, then the same command goes on where it stopped.")


def _output(text: str) -> Path:
    path = given_path(text)
    if path.suffix[1:] not in FORMATS:
        raise argparse.ArgumentTypeError(f"{text} must end in .{', .'.join(FORMATS)}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"the folder {path.parent} does not exist")
    return path


def main() -> int:
    """Runs `./start.sh ocr`."""
    from engine.commands.up import guarded  # noqa: PLC0415 - after the arguments are known to be right

    chosen = parser().parse_args(sys.argv[1:])
    return guarded(lambda settings: run(settings, chosen))
