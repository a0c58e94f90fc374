"""NVIDIA's GPUs, from NVML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.machine.vendor import Accelerator, Device, Vendor


def detect(notes: list[str]) -> tuple[Accelerator, ...]:
    """NVIDIA's devices here; adds what could not be read to `notes`."""
    import pynvml  # noqa: PLC0415 - loads the driver's library

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        if Path("/proc/driver/nvidia").exists():
            notes.append(f"An NVIDIA driver is loaded but NVML does not answer ({error}); restart or reinstall it.")
        return ()
    try:
        return tuple(_nvidia_device(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _nvidia_device(nvml: Any, index: int) -> Accelerator:
    def ask(call: Any, *arguments: Any) -> Any:
        try:
            return call(*arguments)
        except nvml.NVMLError:
            return None

    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = ask(nvml.nvmlDeviceGetMemoryInfo, handle)
    capability = ask(nvml.nvmlDeviceGetCudaComputeCapability, handle)
    return Accelerator(
        vendor="nvidia",
        name=ask(nvml.nvmlDeviceGetName, handle) or "NVIDIA GPU",
        memory=memory.total if memory else None,
        free=memory.free if memory else None,
        generation=f"{capability[0]}.{capability[1]}" if capability else None,
        driver=ask(nvml.nvmlSystemGetDriverVersion),
    )


def _meter() -> Callable[[], list[Device]]:
    nvml = _nvml()
    return lambda: devices(nvml)


def _nvml() -> Any:
    import pynvml  # noqa: PLC0415 - loads the driver's library

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    return pynvml


def devices(nvml: Any) -> list[Device]:
    """The load that NVML reports; `nvml` is the initialised module, or None."""
    if nvml is None:
        return []
    found = []
    for index in range(nvml.nvmlDeviceGetCount()):
        try:
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
            found.append(Device(nvml.nvmlDeviceGetName(handle), memory.used, memory.total, _busy(nvml, handle)))
        except nvml.NVMLError:
            found.append(Device(f"GPU {index}"))
    return found


def _busy(nvml: Any, handle: Any) -> float | None:
    try:
        return float(nvml.nvmlDeviceGetUtilizationRates(handle).gpu)
    except nvml.NVMLError:
        return None  # a slice of a GPU (MIG) has no figure


NVIDIA = Vendor(
    "nvidia",
    detect,
    _meter,
    makers=("nvidia",),
    compute_capability=True,
    vllm_build="cuda",
    vllm_checks_free=True,
    llama_names="nvidia|geforce|quadro|tesla",
    llama_build="cuda",
)
