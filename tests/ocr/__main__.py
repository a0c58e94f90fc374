"""`python -m tests.ocr`: how well a reader reads the test pictures of a seed, and what went wrong."""

import argparse
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.instruments.pictures.collection import cases
from tests.ocr.measuring import Result, Score, measure
from tests.ocr.reader import ask, running_reader


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ocr", description=__doc__)
    parser.add_argument("--base-url", help="of a running engine, e.g. http://127.0.0.1:8000/v1; else one is started")
    parser.add_argument("--key", default="none")
    parser.add_argument("--model", default="reader")
    parser.add_argument("--seed", type=int, action="append", help="which pictures; may be given again (default: 1)")
    parser.add_argument("--only", default="", help="pictures with this in their name")
    parser.add_argument("--save", type=Path, help="a folder for the pictures, their truth and what was read")
    parser.add_argument("--verbose", action="store_true", help="show truth and reading where less than 0.97 is right")
    return parser.parse_args()


def main() -> None:
    """Measures and prints."""
    args = _arguments()
    with ExitStack() as stack:
        uploads = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = args.base_url or stack.enter_context(running_reader(uploads))
        results = []
        for seed in args.seed or [1]:
            for case in cases(seed):
                if args.only in case.name:
                    results.append(measure(case, partial(ask, url, key=args.key, model=args.model)))
                    _show(results[-1], args.verbose)
                    if args.save:
                        _save(results[-1], args.save, seed)
    for word in ("-en", "-zh", ""):
        if some := [result for result in results if word in result.case.name]:
            print(f"{word.strip('-') or 'all':4}{len(some):3} pictures:", Score.of(some))


def _show(result: Result, verbose: bool) -> None:
    questions = result.case.questions
    print(f"{result.case.name:34} {result.characters:.3f}  {sum(result.read)}/{sum(result.quoted)}/{len(questions)}"
          f"  {result.seconds:.2f} s", flush=True)  # fmt: skip
    for question, read, quoted in zip(questions, result.read, result.quoted, strict=True):
        if not quoted:
            print(f"    {'not quoted' if read else 'not read'}: {question.text} → {question.answers[0]}")
    if verbose and result.characters < 0.97:
        print("--- truth", result.case.transcript, "--- read", result.transcript, sep="\n")


def _save(result: Result, folder: Path, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{seed}-{result.case.name}"
    (folder / f"{name}.{result.case.media_type.partition('/')[2]}").write_bytes(result.case.data)
    (folder / f"{name}.txt").write_text(f"{result.case.transcript}\n---\n{result.transcript}\n")


if __name__ == "__main__":
    main()
