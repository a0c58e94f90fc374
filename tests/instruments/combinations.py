"""The combinations of model, accelerator, engine and preset whose plans the tests check, as arguments of `plan`."""

from __future__ import annotations

from engine.commands.cli import parser
from engine.commands.plan import planned
from engine.config import Settings
from engine.plans.launch import LaunchPlan

COMBINATIONS: dict[str, str] = {
    "kimi-vl-thinking-h200": "--accelerator H200",
    "kimi-vl-thinking-a100-80": "--accelerator A100-80",
    "kimi-vl-thinking-a100-40": "--accelerator A100-40",
    "kimi-vl-thinking-l40s": "--accelerator L40S",
    "kimi-vl-thinking-l40s-appliance": "--accelerator L40S --preset appliance",
    "kimi-vl-thinking-l40s-long-context": "--accelerator L40S --preset long-context",
    "kimi-vl-thinking-l40s-low-latency": "--accelerator L40S --preset low-latency",
    "kimi-vl-thinking-l40s-high-throughput": "--accelerator L40S --preset high-throughput",
    "kimi-vl-thinking-rtx4090": "--accelerator RTX4090",
    "kimi-vl-thinking-4x-rtx4090": "--accelerator RTX4090 --count 4",
    "kimi-vl-thinking-mi300x": "--accelerator MI300X",
    "kimi-vl-thinking-atlas-a2": "--accelerator 'Atlas A2'",
    "kimi-vl-thinking-sglang": "--accelerator H100 --engine sglang",
    "kimi-vl-thinking-2506-h100": "--model Kimi-VL-A3B-Thinking-2506 --accelerator H100",
    "kimi-vl-thinking-2506-laptop": "--model Kimi-VL-A3B-Thinking-2506 --accelerator CPU --memory 32",
    "kimi-vl-thinking-2506-llama-cuda": "--model Kimi-VL-A3B-Thinking-2506 --accelerator RTX4090 --engine llama.cpp",
    "kimi-vl-thinking-2506-llama-rtx2060": "--model Kimi-VL-A3B-Thinking-2506 --accelerator RTX2060 --engine llama",
    "kimi-vl-thinking-2506-llama-rtx3060": "--model Kimi-VL-A3B-Thinking-2506 --accelerator RTX3060 --engine llama",
    "kimi-vl-thinking-2506-llama-2x-rtx4070": "--model Kimi-VL-A3B-Thinking-2506 --accelerator RTX4070 --count 2 "
    "--engine llama",
    "kimi-vl-thinking-2506-llama-rx7800xt": "--model Kimi-VL-A3B-Thinking-2506 --accelerator RX7800XT --engine llama",
    "kimi-vl-thinking-cpu": "--accelerator CPU --memory 64 --engine vllm",
    "kimi-vl-instruct-l40s": "--model Kimi-VL-A3B-Instruct --accelerator L40S",
    "kimi-vl-instruct-sglang": "--model Kimi-VL-A3B-Instruct --accelerator H100 --engine sglang",
    "nano-cpu": "--model nano --accelerator CPU --engine vllm",
    "nano-llama": "--model nano --accelerator CPU --engine llama",
    "kimi-k2.5-h200": "--model Kimi-K2.5 --accelerator H200",
    "kimi-k2.5-h200-long-context": "--model Kimi-K2.5 --accelerator H200 --preset long-context",
    "kimi-k2.5-h200-low-latency": "--model Kimi-K2.5 --accelerator H200 --preset low-latency",
    "kimi-k2.5-h200-high-throughput": "--model Kimi-K2.5 --accelerator H200 --preset high-throughput",
    "kimi-k2.5-b200": "--model Kimi-K2.5 --accelerator B200",
    "kimi-k2.5-gb200": "--model Kimi-K2.5 --accelerator GB200",
    "kimi-k2.5-mi300x": "--model Kimi-K2.5 --accelerator MI300X",
    "kimi-k2.5-mi325x": "--model Kimi-K2.5 --accelerator MI325X",
    "kimi-k2.5-mi350x": "--model Kimi-K2.5 --accelerator MI350X",
    "kimi-k2.5-mi355x": "--model Kimi-K2.5 --accelerator MI355X",
    "kimi-k2.5-2-nodes-h100": "--model Kimi-K2.5 --accelerator H100 --nodes 2",
    "kimi-k2.5-sglang-h200": "--model Kimi-K2.5 --accelerator H200 --engine sglang",
    "kimi-k2.5-sglang-2-nodes-h100": "--model Kimi-K2.5 --accelerator H100 --engine sglang --nodes 2",
    "kimi-k2.5-sglang-mi300x": "--model Kimi-K2.5 --accelerator MI300X --engine sglang",
    "kimi-k2.5-atlas-a3": "--model Kimi-K2.5 --accelerator 'Atlas A3'",
    "kimi-k2.5-2-nodes-atlas-a2": "--model Kimi-K2.5 --accelerator 'Atlas A2' --nodes 2",
    "kimi-k2.6-h200": "--model Kimi-K2.6 --accelerator H200",
    "kimi-k2.6-b200": "--model Kimi-K2.6 --accelerator B200",
    "kimi-k2.6-mi355x": "--model Kimi-K2.6 --accelerator MI355X",
    "kimi-k2.6-sglang-h200": "--model Kimi-K2.6 --accelerator H200 --engine sglang",
    "kimi-k2.6-sglang-mi355x": "--model Kimi-K2.6 --accelerator MI355X --engine sglang",
    "kimi-k2.6-atlas-a3": "--model Kimi-K2.6 --accelerator 'Atlas A3'",
    "kimi-k2.5-mi355x-mxfp4": "--model Kimi-K2.5 --accelerator MI355X --variant mxfp4",
    "kimi-k2.5-sglang-b300": "--model Kimi-K2.5 --accelerator B300 --engine sglang",
    "kimi-k2.5-h200-speculative": "--model Kimi-K2.5 --accelerator H200 --speculative",
    "kimi-k2.6-sglang-h200-speculative": "--model Kimi-K2.6 --accelerator H200 --engine sglang --speculative",
    "kimi-k2.6-sglang-h200-high-throughput": "--model Kimi-K2.6 --accelerator H200 --engine sglang "
    "--preset high-throughput",
    "kimi-k2.6-b300": "--model Kimi-K2.6 --accelerator B300",
    "kimi-k2.6-b300-high-throughput": "--model Kimi-K2.6 --accelerator B300 --preset high-throughput",
    "kimi-k2.6-sglang-gb300-nvfp4": "--model Kimi-K2.6 --accelerator GB300 --engine sglang --variant nvfp4",
    "kimi-k2.7-code-h200": "--model Kimi-K2.7-Code --accelerator H200",
    "kimi-k2.7-code-sglang-b300": "--model Kimi-K2.7-Code --accelerator B300 --engine sglang",
    "kimi-k3-b300": "--model Kimi-K3 --accelerator B300",
    "kimi-k3-2-nodes-b200": "--model Kimi-K3 --accelerator B200 --nodes 2",
    "kimi-k3-mi355x": "--model Kimi-K3 --accelerator MI355X",
    "kimi-vl-thinking-dgx-spark": "--accelerator 'DGX Spark'",
    "kimi-k2-thinking-b200-nvfp4": "--model Kimi-K2-Thinking --accelerator B200 --variant nvfp4",
    "kimi-k2-thinking-h200": "--model Kimi-K2-Thinking --accelerator H200",
    "kimi-k2-thinking-h200-high-throughput": "--model Kimi-K2-Thinking --accelerator H200 --preset high-throughput",
    "kimi-k2-thinking-mi300x": "--model Kimi-K2-Thinking --accelerator MI300X",
    "kimi-k2-thinking-atlas-a3": "--model Kimi-K2-Thinking --accelerator 'Atlas A3'",
    "kimi-k2-thinking-atlas-a3-long-context": "--model Kimi-K2-Thinking --accelerator 'Atlas A3' --preset long-context",
    "kimi-k2-thinking-2-nodes-atlas-a2": "--model Kimi-K2-Thinking --accelerator 'Atlas A2' --nodes 2",
    "kimi-k2-thinking-sglang-h200": "--model Kimi-K2-Thinking --accelerator H200 --engine sglang",
}


def settings(**values: object) -> Settings:
    """The default settings, whatever this machine's `.env` says."""
    return Settings(_env_file=None, **values)


def plan_of(arguments: list[str], **values: object) -> LaunchPlan:
    """What `./start.sh plan` plans for these arguments."""
    return planned(settings(**values), parser().parse_args(["plan", *arguments]))
