"""The installed vLLM knows the flags of every launch, and its workarounds hold."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from engine.engines.vllm.launch import VllmLaunch, vllm_argv, vllm_env
from tests.instruments.vllm_server import nano_launch

pytestmark = pytest.mark.vllm

PARSE = """
import json, sys
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser
for line in sys.stdin:
    arguments = make_arg_parser(FlexibleArgumentParser()).parse_args(json.loads(line))
    validate_parsed_serve_args(arguments)
    names = ["max_model_len", "gpu_memory_utilization", "reasoning_parser", "limit_mm_per_prompt"]
    print("ARGUMENTS", json.dumps({name: getattr(arguments, name) for name in names}, default=str))
"""


def launches(uploads: Path) -> list[VllmLaunch]:
    nano = nano_launch(Path("python"), uploads, 8000)
    gpu = replace(nano, accelerator="cuda", tiny=False, kv_cache_bytes=None, max_model_len=None, max_num_seqs=None)
    appliance = replace(gpu, max_model_len=8192, max_num_seqs=16, gpu_memory_utilization=0.95)
    return [
        nano,
        gpu,
        appliance,
        replace(gpu, pictures_per_prompt=256, traces_endpoint="http://127.0.0.1:4317", reasoning_parser=None),
    ]


def test_the_installed_vllm_takes_every_flag(vllm_python: Path, tmp_path: Path) -> None:
    argvs = [vllm_argv(launch)[3:] for launch in launches(tmp_path)]
    argvs.append([*argvs[1], "--quantization", "fp8_per_tensor", "--tensor-parallel-size", "2"])
    done = subprocess.run(
        [vllm_python, "-c", PARSE],
        input="\n".join(json.dumps(argv) for argv in argvs),
        env=vllm_env(launches(tmp_path)[0]) | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    parsed = [json.loads(line.partition(" ")[2]) for line in done.stdout.splitlines() if line.startswith("ARGUMENTS")]
    assert [seen["max_model_len"] for seen in parsed] == [4096, -1, 8192, -1, -1]
    assert [seen["reasoning_parser"] for seen in parsed] == ["kimi_vl", "kimi_vl", "kimi_vl", "", "kimi_vl"]
    assert parsed[2]["gpu_memory_utilization"] == 0.95
    assert parsed[3]["limit_mm_per_prompt"] == {"image": 256}


def test_the_workarounds_hold_and_are_needed(vllm_python: Path) -> None:
    done = subprocess.run(
        [vllm_python, "-m", "engine.engines.vllm.workarounds"], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
