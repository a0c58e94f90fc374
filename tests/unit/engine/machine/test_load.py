"""What is reported about machine and engine: the load, the changes of state."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from engine.machine import amd, nvidia
from engine.machine.load import LoadMeter
from engine.machine.vendor import Device
from engine.status import Reason
from engine.supervise import timeline


class Nvml:
    """A fake NVML: one card that reports everything, a slice without a load, a lost card."""

    class NVMLError(Exception):
        """NVML's exception."""

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 3

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        if index == 2:
            raise self.NVMLError("GPU is lost")
        return index

    def nvmlDeviceGetName(self, handle: int) -> str:  # noqa: N802
        return ("NVIDIA L40S", "MIG 1g.5gb")[handle]

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:  # noqa: N802
        return SimpleNamespace(used=10, total=40)

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:  # noqa: N802
        if handle == 1:
            raise self.NVMLError("not supported")
        return SimpleNamespace(gpu=87)


def test_nvidia_cards() -> None:
    assert nvidia.devices(Nvml()) == [
        Device("NVIDIA L40S", 10, 40, 87.0),
        Device("MIG 1g.5gb", 10, 40, None),
        Device("GPU 2"),
    ]
    assert nvidia.devices(None) == []


def test_amd_cards(tmp_path: Path) -> None:
    device = tmp_path / "card0" / "device"
    device.mkdir(parents=True)
    (tmp_path / "card1" / "device").mkdir(parents=True)
    for name, text in (("mem_info_vram_total", "64\n"), ("mem_info_vram_used", "16\n"), ("gpu_busy_percent", "5\n")):
        (device / name).write_text(text)
    assert amd.devices(tmp_path) == [Device("AMD GPU", 16, 64, 5.0)]


def test_the_machine_itself(tmp_path: Path) -> None:
    load = LoadMeter(tmp_path).read()
    assert 0 <= load.cpu <= 100
    assert 0 < load.used < load.memory
    assert load.disk_free > 0


def test_changes_are_kept_in_order_and_not_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "timeline.jsonl"
    assert timeline.read(path) == []
    for number in range(3000):
        timeline.note(path, "engine", "failed", reason=Reason("exited", {"status": number}))
    with path.open("a") as file:
        file.write('{"at": "half a li\n[1]\n')
    timeline.note(path, "page", "ready")
    changes = timeline.read(path, 5)
    assert [(change.part, change.state, change.reason) for change in changes] == [
        ("engine", "failed", Reason("exited", {"status": 2998})),
        ("engine", "failed", Reason("exited", {"status": 2999})),
        ("page", "ready", None),
    ]
    assert path.stat().st_size < 200_000
