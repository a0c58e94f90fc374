"""Detecting this machine's hardware, from recorded outputs of the real tools."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pynvml
import pytest

from engine.catalog import catalog
from engine.engines.choice import make_plan
from engine.engines.llama.devices import parse_devices
from engine.engines.vllm.log import VllmLog
from engine.machine import amd
from engine.machine import detect as hardware
from engine.machine.amd import parse_amd_smi
from engine.machine.ascend import parse_npu_smi
from engine.machine.cards import find_card
from engine.machine.detect import detect
from engine.machine.gpu_holders import gpu_holders
from engine.machine.load import LoadMeter
from engine.machine.vendor import GIB, Accelerator, Device, Vendor
from engine.machine.vendors import CPU, VENDORS
from engine.plans.launch import PlanError
from engine.plans.target import from_hardware
from tests.instruments.combinations import settings

RECORDED = Path(__file__).parents[3] / "recorded"
MIB = 1024**2


def recorded(name: str) -> str:
    return (RECORDED / name).read_text()


def test_atlas_a2_names_its_chips() -> None:
    chips = parse_npu_smi(recorded("npu-smi-24.1.0-910B1.txt"))
    assert [(chip.name, chip.generation, chip.driver) for chip in chips] == [("Ascend 910B1", "910B1", "24.1.0")] * 2
    assert (chips[0].memory, chips[0].free) == (65536 * MIB, (65536 - 3437) * MIB)


def test_figures_that_touch_the_stroke_are_read() -> None:
    chips = parse_npu_smi(recorded("npu-smi-24.1.rc1-910B2C.txt"))
    assert [chip.free for chip in chips] == [(65536 - 59356) * MIB, (65536 - 59351) * MIB]


def test_atlas_a3_has_two_chips_per_npu_and_is_distinguished_from_a2() -> None:
    chips = parse_npu_smi(recorded("npu-smi-25.2.1-A3.txt"))
    assert [(chip.generation, chip.memory) for chip in chips] == [("Ascend910", 65536 * MIB)] * 4
    a3 = from_hardware(hardware.Hardware(chips))[0]
    a2 = from_hardware(hardware.Hardware(parse_npu_smi(recorded("npu-smi-24.1.0-910B1.txt"))))[0]
    assert (a3.generation, a3.count, a2.generation, a2.count) == ("A3", 4, "A2", 2)


def test_amd_smi_reports_name_memory_target_and_driver() -> None:
    (gpu,) = parse_amd_smi(recorded("amd-smi-static-MI300X.json"))
    assert (gpu.name, gpu.generation, gpu.driver) == ("AMD Instinct MI300X", "gfx942", "6.19.14")
    assert gpu.memory == 196592 * MIB


def test_values_that_amd_smi_does_not_report_are_unknown() -> None:
    (gpu,) = parse_amd_smi(recorded("amd-smi-static-MI355X.json"))
    assert gpu.name == "AMD Instinct MI355X"
    assert (gpu.memory, gpu.free, gpu.generation) == (None, None, None)


def test_sysfs_serves_where_amd_smi_is_missing(tmp_path: Path) -> None:
    for card, total, vendor in (
        ("card0", 206141652992, "0x1002"),
        ("card1", 536870912, "0x1002"),
        ("card2", 1, "0x10de"),
        ("card3", 6425673728, "0x1002"),
    ):
        device = tmp_path / card / "device"
        device.mkdir(parents=True)
        (device / "vendor").write_text(f"{vendor}\n")
        (device / "mem_info_vram_total").write_text(f"{total}\n")
        (device / "mem_info_vram_used").write_text("301989888\n")
    large, small = amd.from_sysfs(tmp_path)
    assert (large.memory, large.free) == (206141652992, 206141652992 - 301989888)
    assert small.memory == 6425673728


def test_a_sysfs_without_the_used_memory_leaves_it_unknown(tmp_path: Path) -> None:
    device = tmp_path / "card0" / "device"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x1002\n")
    (device / "mem_info_vram_total").write_text("206141652992\n")
    assert amd.from_sysfs(tmp_path)[0].free is None


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """NVML with two devices; the second does not report its memory, as devices with unified memory do."""
    answers: dict[str, Any] = {"memory": [SimpleNamespace(total=85520809984, free=85029158912), None]}

    def memory(index: int) -> Any:
        found = answers["memory"][index]
        if found is None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
        return found

    for name, call in {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetCount": lambda: 2,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetMemoryInfo": memory,
        "nvmlDeviceGetCudaComputeCapability": lambda index: [(9, 0), (12, 1)][index],
        "nvmlDeviceGetName": lambda index: ["NVIDIA H100 80GB HBM3", "NVIDIA GB10"][index],
        "nvmlSystemGetDriverVersion": lambda: "580.65.06",
    }.items():
        monkeypatch.setattr(pynvml, name, call)
    return answers


def test_nvml_reports_each_device_and_missing_values_are_unknown(nvml: dict[str, Any]) -> None:
    first, second = (device for device in detect().accelerators if device.vendor == "nvidia")
    assert (first.name, first.memory, first.generation) == ("NVIDIA H100 80GB HBM3", 85520809984, "9.0")
    assert first.driver == "580.65.06"
    assert (second.name, second.memory, second.free, second.generation) == ("NVIDIA GB10", None, None, "12.1")


def test_the_processes_that_hold_the_memory_are_named_the_largest_first(
    nvml: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = os.getpid()
    running = {
        0: [SimpleNamespace(pid=own, usedGpuMemory=2 * 1024**3), SimpleNamespace(pid=2**22 + 1, usedGpuMemory=None)],
        1: [SimpleNamespace(pid=own, usedGpuMemory=3 * 1024**3)],
    }
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", running.__getitem__)
    name = psutil.Process().name()
    assert gpu_holders() == f"{name} (pid {own}) 5.0 GiB, a program (pid {2**22 + 1}) 0.0 GiB"
    line = "ValueError: Free memory on device cuda:0 (3.1/23.6 GiB) on startup is less than desired GPU memory "
    log = VllmLog()
    log.feed(line + "utilization (0.95, 22.4 GiB).")
    assert log.failure is not None
    assert f"{name} (pid {own})" in str(log.failure.reason.values["holders"])


def test_an_answer_that_cannot_be_read_is_a_note_and_not_an_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, answer in {"amd-smi": "WARNING: no data", "npu-smi": "dcmi module initialize failed."}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{answer}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    notes = " ".join(detect().notes)
    assert "amd-smi" in notes
    assert "npu-smi" in notes


def test_the_tools_on_the_path_are_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "amd-smi").write_text(f"#!/bin/sh\ncat '{RECORDED / 'amd-smi-static-MI300X.json'}'\n")
    (tmp_path / "npu-smi").write_text(f"#!/bin/sh\ncat '{RECORDED / 'npu-smi-24.1.0-910B1.txt'}'\n")
    (tmp_path / "llama-server").write_text("#!/bin/sh\necho '-m,    --model FNAME  path, see --hf-repo'\n")
    for tool in tmp_path.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = detect()
    assert [device.name for device in found.accelerators] == ["AMD Instinct MI300X", *["Ascend 910B1"] * 2]
    assert found.llama_server == str(tmp_path / "llama-server")
    assert found.llama_flags == {"--model", "--hf-repo"}
    assert found.memory is not None
    assert found.cores >= 1


def test_the_catalogue_speaks_of_vendors_that_exist() -> None:
    known = {*VENDORS, CPU}
    assert {card.vendor for card in catalog().accelerators.values()} <= known
    assert {facts.vendor for facts in catalog().engines} | {recipe.vendor for recipe in catalog().recipes} <= known


def test_a_vendor_is_one_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = Accelerator("acme", "ACME One", memory=32 * GIB, generation="one-b")
    acme = Vendor(
        "acme",
        lambda _: (found,),
        lambda: lambda: [Device("ACME One", busy=5.0)],
        family=str.upper,
        makers=("acme", "roadrunner"),
        vllm_title="ACME",
        llama_names="acme",
    )
    monkeypatch.setitem(VENDORS, "acme", acme)
    here = detect()
    assert found in here.accelerators
    assert from_hardware(hardware.Hardware((found,)))[0].generation == "ONE-B"
    assert Device("ACME One", busy=5.0) in LoadMeter(tmp_path).read().devices
    assert find_card("Roadrunner ACME H20") == find_card("H20")
    listing = "Available devices:\n  Vulkan0: Acme One Graphics (32768 MiB, 30000 MiB free)\n"
    assert [device.vendor for device in parse_devices(listing)] == ["acme"]
    with pytest.raises(PlanError, match="1 x ACME One was found, but this program does not install vLLM for ACME"):
        make_plan(settings(engine="vllm"), hardware.Hardware((found,)))
