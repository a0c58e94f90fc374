"""Recorded lines of vLLM 0.32 become a phase and per cent, and its failures a key whose sentence says what to do."""

import re

import pytest

from engine.engines.vllm.log import KNOWN_FAILURES, VllmLog
from engine.status import Phase
from engine.wording import sentence

# From a start of the CPU build, shortened; the GPU's own lines are from vLLM's source.
START = r"""
(APIServer pid=14161) INFO 11-21 23:13:52 [api_utils.py:347]  ▄▄ ▄█ █     █     █ ▀▄▀ █  version 0.32.0
(APIServer pid=14161) INFO 11-21 23:14:05 [model.py:733] Resolved architecture: KimiVLForConditionalGeneration
(EngineCore pid=14377) INFO 11-21 23:14:16 [core.py:133] Initializing a V1 LLM engine (v0.32.0) with config: model='/m'
(EngineCore pid=14377) INFO 11-21 23:14:17 [cpu_model_runner.py:68] Starting to load model /m...
Loading safetensors checkpoint shards:   0% Completed | 0/7 [00:00<?, ?it/s]
Loading safetensors checkpoint shards:  14% Completed | 1/7 [00:01<00:06,  1.00s/it]
(EngineCore pid=14377) INFO 11-21 23:14:17 [default_loader.py:501] Loading weights took 0.02 seconds
(EngineCore pid=14377) INFO 11-21 23:14:18 [gpu_worker.py:760] Available KV cache memory: 11.1 GiB
(EngineCore pid=14377) INFO 11-21 23:14:18 [kv_cache_utils.py:2327] CPU KV cache size: 32,768 tokens
Capturing CUDA graphs (mixed prefill-decode, PIECEWISE):  45%|████▌     | 23/51 [00:01<00:01, 17.6it/s]
(EngineCore pid=14377) INFO 11-21 23:14:18 [core.py:4] init engine (profile, create kv cache, warmup model) took 9 s
(APIServer pid=14161) INFO 11-21 23:14:19 [entry.py:140] Starting vLLM server on http://127.0.0.1:18431
INFO:     Application startup complete.
"""


def test_a_start_goes_through_its_phases_in_order() -> None:
    log = VllmLog()
    seen: list[tuple[str, float | None]] = [(log.phase, log.percent)]
    for line in START.splitlines():
        log.feed(line)
        if (log.phase, log.percent) != seen[-1]:
            seen.append((log.phase, log.percent))
    assert seen == [
        (Phase.PREPARING, None),
        (Phase.LOADING, None),
        (Phase.LOADING, 0),
        (Phase.LOADING, 14),
        (Phase.KV_CACHE, None),
        (Phase.CAPTURING, 45),
        (Phase.WARMING_UP, None),
        (Phase.READY, None),
    ]
    assert log.failure is None


def test_a_bar_redrawn_on_one_line_counts_as_its_last_state() -> None:
    log = VllmLog()
    bar = "Loading safetensors checkpoint shards:  {}% Completed | {}/4 [00:00<00:00]"
    log.feed("\r".join(bar.format(25 * n, n) for n in range(4)) + "\n")
    assert (log.phase, log.percent) == (Phase.LOADING, 75)


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("model-00001-of-00007.safetensors:  31%|███       | 1.55G/4.99G [00:13<00:29, 116MB/s]", 31),
        ("Fetching 12 files:   8%|▊         | 1/12 [00:00<00:02]", 8),
    ],
)
def test_downloads(line: str, percent: float) -> None:
    log = VllmLog()
    log.feed(line)
    assert (log.phase, log.percent) == (Phase.DOWNLOADING, percent)


FAILURES = [
    (
        "gpu_memory_held",
        "ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than desired GPU memory "
        "utilization (0.95, 22.4 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.",
        "needs 22.4 GiB of the GPU's 23.6 GiB and 3.1 GiB are free",
    ),
    (
        "context_too_long",
        "ValueError: To serve at least one request with the model's max seq len (131072), (3.80 GiB KV cache is "
        "needed, which is larger than the available KV cache memory (1.20 GiB). Based on the available memory, the "
        "estimated maximum model length is 41376. Try increasing `gpu_memory_utilization`",
        "context of 131,072 tokens needs 3.80 GiB besides the weights and 1.20 GiB are left; at most 41,376",
    ),
    (
        "context_fits_none",
        "ValueError: To serve at least one request with the model's max seq len (131072), (3.80 GiB KV cache is "
        "needed, which is larger than the available KV cache memory (0.10 GiB). Try increasing it.",
        "0.10 GiB are left; no context fits",
    ),
    (
        "gpu_memory_small",
        "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
        "leave none",
    ),
    (
        "gpu_memory_weights",
        "(EngineCore pid=5) ERROR 11-21 23:14:18 [gpu_model_runner.py:5140] Failed to load model - not enough GPU "
        "memory. Try lowering --gpu-memory-utilization (original error: CUDA out of memory. "
        "Tried to allocate 1.00 GiB.)",
        "do not fit",
    ),
    ("gpu_memory_exhausted", "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB.", "2.00 GiB more were"),
    (
        "gpu_memory_exhausted_of",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "
        "23.64 GiB of which 1.21 GiB is free. Process 4242 has 20.00 GiB memory in use.",
        "2.00 GiB more were needed and 1.21 GiB of 23.64 GiB were free",
    ),
    (
        "memory_exhausted",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: can't allocate memory: you tried "
        "to allocate 34359738368 bytes. Error code 12 (Cannot allocate memory)",
        "main memory",
    ),
    ("disk_full", "OSError: [Errno 28] No space left on device", "disk is full"),
    ("port_taken", "OSError: [Errno 98] Address already in use", "KIMI_ENGINE_PORT"),
    (
        "driver_old",
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12020).",
        "update the driver",
    ),
    ("no_gpu", "RuntimeError: Failed to infer device type, please set VLLM_LOGGING_LEVEL=DEBUG", "nvidia-smi"),
    (
        "architecture_unknown",
        "  Value error, Model architectures ['KimiK9ForConditionalGeneration'] are not supported for now. Supported "
        "architectures: dict_keys(['AfmoeForCausalLM'])",
        "KimiK9ForConditionalGeneration",
    ),
    (
        "snapshot_old",
        "ImportError: cannot import name 'bytes_to_unicode' from 'transformers.models.gpt2.tokenization_gpt2'",
        "download the repository again",
    ),
    (
        "path_wrong",
        "huggingface_hub.errors.HFValidationError: Repo id must be in the form 'repo_name' or 'namespace/repo_name': "
        "'/models/nothere'. Use `repo_type` argument if needed.",
        "/models/nothere",
    ),
    (
        "path_wrong",
        "OSError: /models/empty does not appear to have a file named config.json.",
        "/models/empty",
    ),
    ("weights_missing", "RuntimeError: Cannot find any model weights with `/models/half`", "start again"),
    (
        "flag_wrong",
        "entry.py: error: unrecognized arguments: --max-modellen 5",
        "unrecognized arguments: --max-modellen 5",
    ),
]


@pytest.mark.parametrize(("key", "line", "part"), FAILURES, ids=[f"{i}-{case[0]}" for i, case in enumerate(FAILURES)])
def test_failures(key: str, line: str, part: str) -> None:
    log = VllmLog()
    log.feed(line)
    assert log.failure is not None
    assert log.failure.reason.key == key
    assert log.failure.permanent
    said = sentence(log.failure.reason)
    assert part in said
    assert re.fullmatch(r"(?:[A-Z]|vLLM ).*[.]", said)
    chinese = sentence(log.failure.reason, "zh")
    assert re.fullmatch(r".*[：，。].*[。]", chinese), chinese
    assert all(str(value) in chinese or f"{value:,}" in chinese for value in log.failure.reason.values.values())


def test_every_failure_is_tested() -> None:
    assert {known.key for known in KNOWN_FAILURES} == {key for key, _, _ in FAILURES}


def test_the_cause_stays_and_its_consequences_do_not_replace_it() -> None:
    log = VllmLog()
    log.feed("OSError: [Errno 28] No space left on device")
    log.feed("RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}")
    log.feed("OSError: [Errno 98] Address already in use")
    assert log.failure is not None
    assert log.failure.reason.key == "disk_full"
