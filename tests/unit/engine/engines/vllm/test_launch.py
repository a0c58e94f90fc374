"""vLLM's command line and environment: closed to the network, and without secrets."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.engines.vllm.launch import VllmLaunch, vllm_argv, vllm_env

LAUNCH = VllmLaunch(
    python=Path("/p/.venv-vllm/bin/python"),
    root=Path("/p"),
    model=Path("/models/kimi"),
    served_name="Kimi-VL-A3B-Thinking",
    uploads=Path("/p/workspace/uploads"),
    port=8123,
    accelerator="cuda",
    pictures_per_prompt=256,
)


def options(launch: VllmLaunch) -> dict[str, str]:
    """The flags with the word after each."""
    argv = vllm_argv(launch)
    return {flag: value for flag, value in zip(argv, [*argv[1:], ""], strict=True) if flag.startswith("--")}


@pytest.mark.parametrize("accelerator", ["cuda", "cpu"])
def test_it_is_closed_to_the_network(accelerator: str) -> None:
    launch = replace(LAUNCH, accelerator=accelerator)
    assert options(launch)["--host"] == "127.0.0.1"
    assert options(launch)["--allowed-local-media-path"] == "/p/workspace/uploads"
    assert options(launch)["--allowed-media-domains"].endswith(".invalid")
    assert vllm_env(launch)["VLLM_MEDIA_URL_ALLOW_REDIRECTS"] == "0"
    assert vllm_env(launch)["HF_HUB_OFFLINE"] == "1"
    assert not any("key" in word.lower() for word in vllm_argv(launch))
    assert not any("KEY" in name for name in vllm_env(launch))


def test_the_context_is_as_large_as_fits_unless_it_is_given() -> None:
    assert options(LAUNCH)["--max-model-len"] == "auto"
    assert options(replace(LAUNCH, max_model_len=8192))["--max-model-len"] == "8192"


def test_the_cpu_build_gets_the_workarounds_and_the_cuda_build_does_not() -> None:
    assert "-rotary_embedding" in options(replace(LAUNCH, accelerator="cpu"))["--compilation-config"]
    assert not {"--compilation-config", "--enforce-eager"} & set(options(LAUNCH))


def test_only_a_tiny_model_is_held_to_one_thread() -> None:
    assert "OMP_NUM_THREADS" not in vllm_env(replace(LAUNCH, accelerator="cpu"))
    assert vllm_env(replace(LAUNCH, accelerator="cpu", tiny=True))["OMP_NUM_THREADS"] == "1"


def test_a_model_without_marks_needs_no_parser() -> None:
    assert options(LAUNCH)["--reasoning-parser-plugin"] == "/p/engine/engines/vllm/plugin.py"
    bare = options(replace(LAUNCH, reasoning_parser=None))
    assert not {"--reasoning-parser", "--reasoning-parser-plugin"} & set(bare)


def test_elsewhere_it_is_the_command_of_the_guides_and_the_weights_may_be_fetched() -> None:
    elsewhere = replace(LAUNCH, python=None, here=False, model="moonshotai/Kimi", reasoning_parser=None)
    assert vllm_argv(elsewhere)[:3] == ["vllm", "serve", "moonshotai/Kimi"]
    assert not {"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "PYTHONPATH"} & set(vllm_env(elsewhere))
    assert "--allowed-media-domains" in vllm_argv(elsewhere)
    assert "--allowed-media-domains" not in vllm_argv(replace(elsewhere, pictures_per_prompt=0))


def test_an_older_vllm_gets_no_flag_that_it_lacks() -> None:
    newer = {"--enable-prompt-tokens-details", "--no-enable-log-requests", "--shutdown-timeout"}
    assert newer <= set(options(LAUNCH))
    assert not newer & set(options(replace(LAUNCH, plain=True)))


def test_traces_go_by_http_to_where_the_pages_go() -> None:
    launch = replace(LAUNCH, traces_endpoint="http://collector:4318/v1/traces")
    assert options(launch)["--otlp-traces-endpoint"] == "http://collector:4318/v1/traces"
    assert vllm_env(launch)["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf"
    assert "--otlp-traces-endpoint" not in options(LAUNCH)
    assert not any(name.startswith("OTEL_") for name in vllm_env(LAUNCH))
