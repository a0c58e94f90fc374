"""GSM8K with lm-eval, in a separate environment, because it has many dependencies.

5-shot as a conversation in the model's own template, greedy, at most 2,048 tokens: the settings of vllm-ascend's guide
for Kimi-K2-Thinking, but over `/v1/chat/completions`, where the engine takes the thoughts off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.catalog import Model
from engine.measure.accuracy.report import Score, published, quantized_as
from engine.measure.running_engine import Running

ENVIRONMENT = ".venv-lm-eval"
LM_EVAL = "lm-eval[api]==0.4.13"
SHOTS = 5
MAX_TOKENS = 2048
METHOD = f"{LM_EVAL}, {SHOTS}-shot as a conversation, chat template, greedy, at most {MAX_TOKENS:,} tokens"
_FILTERS = ("flexible-extract", "strict-match")
_OWN = "gsm8k_file"


class LmEvalError(Exception):
    """lm-eval could not be installed or did not measure; the text is one sentence with the next step."""


def ensure_lm_eval(root: Path) -> Path:
    """The interpreter of lm-eval's environment, which is made at its first use.

    Raises:
        LmEvalError: it could not be installed.
    """
    folder = root / ENVIRONMENT
    python, stamp = folder / "bin" / "python", folder / "prepared"
    if not stamp.exists() or stamp.read_text() != LM_EVAL:
        print(f"Installing {LM_EVAL} into {ENVIRONMENT} (600 MB); this is done once.", flush=True)
        uv = [sys.executable, "-m", "uv"]
        for command in (
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [*uv, "pip", "install", "--quiet", "--python", str(python), LM_EVAL],
        ):
            if subprocess.run(command, cwd=root, check=False).returncode:  # noqa: S603 - our own command line
                raise LmEvalError(f"{LM_EVAL} could not be installed; uv's error is above.")
        stamp.write_text(LM_EVAL)
    return python


def command(python: Path, running: Running, folder: Path, tasks: Path, *, limit: int | None, own: bool) -> list[str]:
    """lm-eval's command line, without a key. Answers are kept in `folder`, so that a later run continues."""
    facts = {
        "model": running.plan.served_name, "base_url": f"{running.plan.base_url}/chat/completions",
        # The engine tokenizes: lm-eval would need the tokenizer and all that loads it.
        "tokenizer_backend": "None", "tokenized_requests": "False", "num_concurrent": "4", "max_retries": "2",
    }  # fmt: skip
    if running.context:
        facts["max_length"] = str(running.context)
    argv = [
        str(python), "-m", "lm_eval", "run", "--model", "local-chat-completions",
        "--model_args", ",".join(f"{name}={fact}" for name, fact in facts.items()),
        "--tasks", _OWN if own else "gsm8k", "--num_fewshot", str(SHOTS), "--batch_size", "1",
        "--apply_chat_template", "--fewshot_as_multiturn", "true",
        "--gen_kwargs", f"temperature=0,top_p=1.0,max_gen_toks={MAX_TOKENS}",
        "--output_path", str(folder / "results"), "--use_cache", str(folder / "answers"),
    ]  # fmt: skip
    argv += ["--include_path", str(tasks)] if own else []
    return argv + (["--limit", str(limit)] if limit else [])


def own_task(python: Path, data: Path, tasks: Path) -> None:
    """Writes GSM8K's task with questions from `data` (train.jsonl and test.jsonl) instead of the hub.

    Raises:
        LmEvalError: a file is missing.
    """
    if missing := [name for name in ("train.jsonl", "test.jsonl") if not (data / name).is_file()]:
        raise LmEvalError(f"{data} has no {missing[0]}: GSM8K is two files, train.jsonl and test.jsonl.")
    (theirs,) = python.parent.parent.glob("lib/python3*/site-packages/lm_eval/tasks/gsm8k/gsm8k.yaml")
    tasks.mkdir(parents=True, exist_ok=True)
    files = {name: str((data / f"{name}.jsonl").resolve()) for name in ("train", "test")}
    # JSON is also YAML.
    task = {"include": str(theirs), "task": _OWN, "dataset_path": "json", "dataset_name": None}
    (tasks / f"{_OWN}.yaml").write_text(json.dumps(task | {"dataset_kwargs": {"data_files": files}}))


def environment(running: Running, base: Mapping[str, str]) -> dict[str, str]:
    """lm-eval's environment: the key, and no proxy between it and this machine."""
    direct = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    return dict(base) | direct | {"OPENAI_API_KEY": running.key}


def measure(
    python: Path, running: Running, model: Model, folder: Path, *, data: Path | None, limit: int | None
) -> tuple[list[Score], int, list[str]]:
    """Runs lm-eval. Returns the two scores of GSM8K, the number of questions, and the command line.

    Raises:
        LmEvalError: lm-eval ended without a result.
    """
    tasks = folder / "task"
    folder.mkdir(parents=True, exist_ok=True)
    if data:
        own_task(python, data, tasks)
    argv = command(python, running, folder, tasks, limit=limit, own=data is not None)
    ended = subprocess.run(argv, cwd=folder, env=environment(running, os.environ), check=False)  # noqa: S603 - our own
    found = sorted((folder / "results").rglob("results_*.json"), key=lambda path: path.stat().st_mtime)
    if ended.returncode or not found:
        raise LmEvalError(
            "lm-eval ended without a result; its error is above. Its questions come from the Hugging Face Hub: if you "
            "can't reach that, name the folder of GSM8K's train.jsonl and test.jsonl with --data."
        )
    return (*parse(json.loads(found[-1].read_text()), model, quantized_as(running.plan)), argv)


def parse(said: Mapping[str, Any], model: Model, quantized: str = "") -> tuple[list[Score], int]:
    """The scores in per cent, and the number of questions, from lm-eval's result file."""
    (result,) = said["results"].values()
    scores = [
        Score(f"GSM8K {name}", 100 * result[f"exact_match,{name}"], "%", published(model, f"GSM8K {name}", quantized))
        for name in _FILTERS
    ]
    return scores, int(result.get("sample_len", 0))
