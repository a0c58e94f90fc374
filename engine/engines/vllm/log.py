"""Reads vLLM's log line by line: the phase with its progress, and typical failures as a key with values.

The lines are those of vLLM 0.32. A line that a later version words differently is ignored: readiness comes from
`/health`, never from the log.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.engines.watcher import Failure, Watcher
from engine.machine.gpu_holders import gpu_holders
from engine.status import Phase, Reason, Value

_PERCENT = r".*?\b(\d{1,3})%"

# The first pattern that a line matches gives the phase; its group is the percentage.
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


def _holders() -> dict[str, Value]:
    return {"holders": gpu_holders() or "nvidia-smi"}


@dataclass(frozen=True)
class KnownFailure:
    """A line that reports why vLLM ends: the named groups of the pattern are the values of the sentence `key`."""

    key: str
    pattern: re.Pattern[str]
    more: Callable[[], dict[str, Value]] = dict
    """Further values, looked up when the line is read."""

    def read(self, line: str) -> Failure | None:
        """The failure that the line reports; None if it reports none."""
        found = self.pattern.search(line)
        if found is None:
            return None
        values = {name: int(text) if text.isdigit() else text for name, text in found.groupdict().items()}
        return Failure(Reason(self.key, values | self.more()))


_CACHE_TOO_SMALL = (
    r"max seq len \((?P<context>\d+)\), \((?P<needed>[\d.]+) GiB KV cache is needed, which is larger than the "
    r"available KV cache memory \((?P<free>[\d.]+) GiB\)\."
)
_EXHAUSTED = r"CUDA out of memory\. Tried to allocate (?P<needed>[\d.]+ \w+)\."

KNOWN_FAILURES: tuple[KnownFailure, ...] = tuple(
    KnownFailure(key, re.compile(pattern), *more)
    for key, pattern, *more in (
        ("gpu_memory_held",
         r"Free memory on device \S+ \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) on startup is less than "
         r"[^(]*\([\d.]+, (?P<needed>[\d.]+) GiB\)",
         _holders),
        ("context_too_long", _CACHE_TOO_SMALL + r".*?estimated maximum model length is (?P<possible>\d+)"),
        ("context_fits_none", _CACHE_TOO_SMALL),
        ("gpu_memory_small", r"No available memory for the cache blocks|Cannot auto-fit max_model_len"),
        ("gpu_memory_weights", r"Failed to load model - not enough GPU memory", _holders),
        ("gpu_memory_exhausted_of",
         _EXHAUSTED + r" GPU \d+ has a total capacity of (?P<total>[\d.]+ \w+) of which (?P<free>[\d.]+ \w+) is free"),
        ("gpu_memory_exhausted", _EXHAUSTED),
        ("memory_exhausted",
         r"DefaultCPUAllocator: can't allocate memory: you tried to allocate \d+ bytes|std::bad_alloc"),
        ("disk_full", r"No space left on device"),
        ("port_taken", r"Address already in use"),
        ("driver_old",
         r"NVIDIA driver on your system is too old|CUDA driver version is insufficient|"
         r"no kernel image is available for execution"),
        ("no_gpu", r"Failed to infer device type|No CUDA GPUs are available|Found no NVIDIA driver"),
        ("architecture_unknown",
         r"Model architectures? \[?'?(?P<architecture>\w+)'?\]?.*(?:not supported|failed to be inspected)"),
        ("snapshot_old", r"cannot import name 'bytes_to_unicode'"),
        ("path_wrong", r"Repo id must be in the form.*: '(?P<path>[^']+)'"),
        ("path_wrong", r"Invalid repository ID or local directory specified: '(?P<path>[^']+)'"),
        ("path_wrong", r"(?P<path>\S+) does not appear to have a file named config\.json"),
        ("weights_missing",
         r"Cannot find any model weights with|outgoing traffic has been disabled|LocalEntryNotFoundError"),
        ("flag_wrong", r"error: (?P<error>unrecognized arguments: .+|argument \S+: .+)"),
    )
)  # fmt: skip
"""The first failure in the log counts, because a traceback names its cause before its consequences. The first pattern
that matches a line counts, so the more exact pattern comes first."""


class VllmLog(Watcher):
    """Reads one run of vLLM; feed it every line."""

    def __init__(self) -> None:
        super().__init__(Phase.PREPARING)

    def feed(self, line: str) -> None:
        """Reads one line; of a progress bar's states, separated by carriage returns, only the last counts."""
        line = line.rstrip("\r\n").rpartition("\r")[2]
        for pattern, phase in _PHASES:
            if found := pattern.search(line):
                self.phase = phase
                self.percent = float(found[1]) if pattern.groups else None
                break
        if self.failure is None:
            self.failure = next(filter(None, (known.read(line) for known in KNOWN_FAILURES)), None)
