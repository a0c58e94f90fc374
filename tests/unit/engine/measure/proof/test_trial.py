"""What is read of a trial: whether llama.cpp reached the GPU, and what each device took."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.catalog import find_model
from engine.engines.llama.plan import llama_plan
from engine.machine.vendor import Device
from engine.measure.proof.trial import Trial, _layers, _taken
from engine.nano.exam import Marks
from engine.plans.request import Request
from engine.plans.target import Target

SOUND = Trial(0.2, Marks(92, 96), Marks(19, 19), 3000.0, "", streams=True, memory=10**8, devices=(), layers=None)


@pytest.mark.parametrize(
    ("log", "layers", "passed"),
    [
        ("x\nload_tensors: offloaded 5/5 layers to GPU\n", "5/5", True),
        ("load_tensors: offloaded 0/5 layers to GPU\n", "0/5", False),
        ("warning: no usable GPU found, --gpu-layers option will be ignored\n", "", False),
    ],
)
def test_a_gpu_that_is_not_reached_fails_though_every_answer_is_right(
    tmp_path: Path, log: str, layers: str, passed: bool
) -> None:
    (tmp_path / "log").write_text(log)
    plan = llama_plan(Request(find_model("nano"), Target("nvidia", "RTX3060", memory_gb=12)))
    found = _layers(plan, tmp_path / "log")
    assert found == layers
    assert replace(SOUND, layers=found).passed == passed


def test_on_the_processor_no_gpu_is_missed(tmp_path: Path) -> None:
    plan = llama_plan(Request(find_model("nano"), Target("cpu", "CPU", memory_gb=12)))
    assert _layers(plan, tmp_path / "none") is None
    assert SOUND.passed
    assert not replace(SOUND, shapes=Marks(48, 96)).passed
    assert not replace(SOUND, counts=Marks(9, 19)).passed
    assert not replace(SOUND, streams=False).passed


def test_two_devices_of_one_name_are_two() -> None:
    before = (Device("a", 10), Device("a", 20), Device("b"))
    assert _taken(before, (Device("a", 15), Device("a", 10), Device("b", 7))) == (("a", 5), ("a", 0), ("b", 7))
