"""vLLM's log, line by line, to a phase with per cent, and its typical failures to one sentence with the next step.

The lines are those of vLLM 0.32. A line that a later version words differently is passed over: readiness is asked for
at `/health` and never read from the log.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from engine.machine.gpu_holders import gpu_holders


class Phase(StrEnum):
    """What the engine is doing; the page has a text for each."""

    PREPARING = "preparing"
    DOWNLOADING = "downloading"
    LOADING = "loading"
    COMPILING = "compiling"
    KV_CACHE = "kv_cache"
    CAPTURING = "capturing"
    WARMING_UP = "warming_up"
    READY = "ready"


@dataclass(frozen=True)
class Failure:
    """Why the engine stopped: a key, a sentence for a person, and whether a new start would end the same way."""

    key: str
    sentence: str
    permanent: bool = True


_PERCENT = r".*?\b(\d{1,3})%"

# The first pattern that a line matches gives the phase; a group is the per cent.
_PHASES: tuple[tuple[re.Pattern[str], Phase], ...] = tuple(
    (re.compile(pattern), phase)
    for pattern, phase in (
        (r"Loading (?:safetensors|pt) checkpoint shards:\s+(\d{1,3})%", Phase.LOADING),
        (r"Capturing CUDA graphs" + _PERCENT, Phase.CAPTURING),
        (r"(?:Fetching \d+ files|Downloading shards|Downloading \(incomplete total|\.safetensors:)" + _PERCENT,
         Phase.DOWNLOADING),
        (r"Starting to load model|Loading model weights", Phase.LOADING),
        (r"torch\.compile takes|Compiling a graph|Dynamo bytecode transform", Phase.COMPILING),
        (r"Available KV cache memory|KV cache size:", Phase.KV_CACHE),
        (r"Graph capturing finished|init engine \(|Starting vLLM server", Phase.WARMING_UP),
        (r"Application startup complete", Phase.READY),
    )
)  # fmt: skip

_Sentence = Callable[[re.Match[str]], str]


def _say(sentence: str) -> _Sentence:
    """A fixed sentence, or one with the pattern's groups in `{0}`, `{1}` …"""
    return lambda found: sentence.format(*found.groups())


def _too_little_cache(found: re.Match[str]) -> str:
    context, needed, free, possible = found.groups()
    advice = f"at most {int(possible):,} tokens fit" if possible else "no context fits"
    return (
        f"A context of {int(context):,} tokens needs {needed} GiB beside the weights and {free} GiB are left; "
        f"{advice}. Choose a shorter context (--max-model-len) or a GPU with more memory."
    )


def _holders() -> str:
    return gpu_holders() or "nvidia-smi lists them"


# In this order: a traceback names its cause before its consequences, and the more exact pattern comes first.
_FAILURES: tuple[tuple[str, re.Pattern[str], _Sentence], ...] = tuple(
    (key, re.compile(pattern), sentence)
    for key, pattern, sentence in (
        ("gpu_memory_held",
         r"Free memory on device \S+ \(([\d.]+)/([\d.]+) GiB\) on startup is less than [^(]*\([\d.]+, ([\d.]+) GiB\)",
         lambda found: f"The model needs {found[3]} GiB of the GPU's {found[2]} GiB and {found[1]} GiB are free: "
         f"end the programs that hold the rest ({_holders()}) and start again."),
        ("context_too_long",
         r"max seq len \((\d+)\), \(([\d.]+) GiB KV cache is needed, which is larger than the available KV cache "
         r"memory \(([\d.]+) GiB\)\.(?:.*?estimated maximum model length is (\d+))?",
         _too_little_cache),
        ("gpu_memory_small",
         r"No available memory for the cache blocks|Cannot auto-fit max_model_len",
         _say("The weights fill the memory and leave none for a conversation: "
              "take a GPU with more memory, or a quantized model.")),
        ("gpu_memory_weights",
         r"Failed to load model - not enough GPU memory",
         lambda _: f"The weights do not fit into the GPU's memory: free it ({_holders()}), "
         "take a larger GPU, or a quantized model."),
        ("gpu_memory_exhausted",
         r"CUDA out of memory\. Tried to allocate ([\d.]+ \w+)\.(?: GPU \d+ has a total capacity of ([\d.]+ \w+) of "
         r"which ([\d.]+ \w+) is free)?",
         lambda found: f"The GPU's memory ran out: {found[1]} more were needed"
         + (f" and {found[3]} of {found[2]} were free" if found[2] else "")
         + "; end other programs on it, or choose a shorter context (--max-model-len)."),
        ("memory_exhausted",
         r"DefaultCPUAllocator: can't allocate memory: you tried to allocate (\d+) bytes|std::bad_alloc",
         _say("The main memory ran out: end other programs, or take a smaller model.")),
        ("disk_full",
         r"No space left on device",
         _say("The disk is full: make room on it and start again.")),
        ("port_taken",
         r"Address already in use",
         _say("The engine's port is taken: stop what holds it, or choose another with KIMI_ENGINE_PORT.")),
        ("driver_old",
         r"NVIDIA driver on your system is too old|CUDA driver version is insufficient|"
         r"no kernel image is available for execution",
         _say("The NVIDIA driver, or the GPU itself, is too old for this vLLM: "
              "update the driver (nvidia-smi shows its version).")),
        ("no_gpu",
         r"Failed to infer device type|No CUDA GPUs are available|Found no NVIDIA driver",
         _say("No GPU is visible to vLLM: check nvidia-smi, and in a container that the GPU is passed in.")),
        ("architecture_unknown",
         r"Model architectures? \[?'?(\w+)'?\]?.*(?:not supported|failed to be inspected)",
         _say("This vLLM does not know the model's architecture, {0}: choose a model of the catalogue.")),
        ("snapshot_old",
         r"cannot import name 'bytes_to_unicode'",
         _say("The model's files are from before January 2026 and do not run with this transformers: "
              "fetch the repository anew.")),
        ("path_wrong",
         r"Repo id must be in the form.*: '([^']+)'|Invalid repository ID or local directory specified: '([^']+)'|"
         r"(\S+) does not appear to have a file named config\.json",
         lambda found: f"There is no model in {next(filter(None, found.groups()))}: "
         "let KIMI_MODEL name a model of the catalogue or a folder with config.json and weights."),
        ("weights_missing",
         r"Cannot find any model weights with `?([^`\s]+)|outgoing traffic has been disabled|LocalEntryNotFoundError",
         _say("The model's weights are not there, or not all of them: start again to fetch the rest.")),
        ("flag_wrong",
         r"error: (unrecognized arguments: .+|argument \S+: .+)",
         _say("vLLM does not take a flag it was given ({0}): correct the setting behind it.")),
    )
)  # fmt: skip


class Progress:
    """Reads one run of the engine; feed it every line."""

    def __init__(self) -> None:
        self.phase: str = Phase.PREPARING
        self.percent: float | None = None
        self.failure: Failure | None = None

    def feed(self, line: str) -> None:
        """Take one line; a progress bar's redrawings, set apart by carriage returns, count as the last of them."""
        line = line.rstrip("\r\n").rpartition("\r")[2]
        for pattern, phase in _PHASES:
            if found := pattern.search(line):
                self.phase = phase
                self.percent = float(found[1]) if pattern.groups else None
                break
        if self.failure is None:
            self.failure = _failure(line)


def _failure(line: str) -> Failure | None:
    for key, pattern, sentence in _FAILURES:
        if found := pattern.search(line):
            return Failure(key, sentence(found))
    return None
