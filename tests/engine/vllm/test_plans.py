"""Every vLLM plan, with every preset, is read by the argument parser of the installed vLLM."""

import json
import os
import shlex
import subprocess
from pathlib import Path

import pytest

from engine.config import ROOT
from engine.engines.choice import make_plan
from engine.plans.launch import LaunchPlan
from engine.plans.tuning import TUNINGS
from tests.instruments.combinations import COMBINATIONS, plan_of, settings
from tests.unit.engine.engines.test_ladder import gpu, machine

pytestmark = pytest.mark.vllm

PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser
parser = make_arg_parser(FlexibleArgumentParser())
for line in sys.stdin:
    try:
        parsed = parser.parse_args(json.loads(line))
        validate_parsed_serve_args(parsed)
        print("READ", parsed.served_model_name[0])
    except (SystemExit, Exception) as error:
        print("REFUSED", repr(error))
"""
PRESETS = ("", *TUNINGS)


def arguments(argv: tuple[str, ...]) -> list[str]:
    """The arguments after `vllm serve` or `python -m module`, as the server's parser gets them."""
    return ["--model", *argv[2:]] if argv[:2] == ("vllm", "serve") else list(argv[3:])


def plans(workspace: Path) -> list[LaunchPlan]:
    commands = [text for text in COMBINATIONS.values() if "sglang" not in text and "llama" not in text]
    elsewhere = [
        plan_of([*shlex.split(text), *(["--preset", preset] if preset else [])])
        for text in commands
        if "CPU --memory 32" not in text
        for preset in PRESETS
    ]
    here = [
        make_plan(settings(engine="vllm", workspace=workspace, preset=preset), machine(gpu("NVIDIA L40S", 48)))
        for preset in PRESETS
    ]
    nano = make_plan(settings(engine="vllm", model="nano", workspace=workspace), machine(ram=16))
    return [*elsewhere, *here, nano]


def read(python: Path, argvs: list[list[str]]) -> list[str]:
    done = subprocess.run(
        [python, "-c", PARSE],
        input="\n".join(json.dumps(argv) for argv in argvs),
        # The parser plugin that a plan names is loaded while it is read.
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": os.environ.get("HOME", "/")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if line.startswith(("READ", "REFUSED"))]


def test_vllms_own_parser_reads_every_plan(vllm_python: Path, tmp_path: Path) -> None:
    wanted = plans(tmp_path)
    argvs = [(plan, argv) for plan in wanted for argv in (plan.argv, *plan.guide.workers)]
    answers = read(vllm_python, [arguments(argv) for _, argv in argvs])
    assert answers == [f"READ {plan.served_name}" for plan, _ in argvs]


def test_it_refuses_what_is_no_flag_of_vllm(vllm_python: Path) -> None:
    wrong = ["--model", "x", "--served-model-name", "x", "--tp-sise", "8"]
    assert read(vllm_python, [wrong])[0].startswith("REFUSED")
