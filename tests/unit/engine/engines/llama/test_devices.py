"""Which GPUs a llama-server reaches: what it lists, as far as the drivers know of it."""

from dataclasses import replace
from pathlib import Path

from engine.engines.llama.devices import gpus, parse_devices, targets_of
from engine.engines.llama.server import Server
from engine.machine.detect import Hardware
from engine.machine.vendor import Accelerator

GIB = 1024**3
LISTED = """ggml_vulkan: Found 2 Vulkan devices:
Available devices:
  Vulkan0: AMD Radeon Graphics (RADV RAPHAEL_MENDOCINO) (15936 MiB, 15000 MiB free)
  Vulkan1: AMD Radeon RX 7800 XT (RADV NAVI32) (16368 MiB, 15800 MiB free)
  CUDA0: NVIDIA GeForce RTX 3060 (12288 MiB, 11000 MiB free)
  Vulkan3: llvmpipe (LLVM 19.1.7, 256 bits) (31000 MiB, 31000 MiB free)
"""
CARD = Accelerator("amd", "AMD Radeon RX 7800 XT", 16 * GIB, generation="gfx1101")
RTX = Accelerator("nvidia", "NVIDIA GeForce RTX 3060", 12 * GIB, 11 * GIB, "8.6")


def program(folder: Path, says: str) -> Server:
    """A llama-server that says this of its devices."""
    path = folder / "llama-server"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{says}END\n")
    path.chmod(0o700)
    return Server(path, None, "")


def test_the_list_has_names_with_brackets_and_what_is_free() -> None:
    found = parse_devices(LISTED)
    assert [(one.vendor, (one.free or 0) // 1024**2) for one in found] == [
        ("amd", 15000),
        ("amd", 15800),
        ("nvidia", 11000),
    ]


def test_a_gpu_that_is_part_of_the_processor_is_not_counted(tmp_path: Path) -> None:
    found = gpus(program(tmp_path, LISTED), Hardware((CARD, RTX)))
    assert [(one.name, (one.free or 0) // 1024**2) for one in found] == [
        ("AMD Radeon RX 7800 XT", 15800),
        ("NVIDIA GeForce RTX 3060", 11000),
    ]
    assert gpus(program(tmp_path, LISTED), Hardware()) == ()


def test_one_that_was_built_for_the_processor_reaches_none(tmp_path: Path) -> None:
    server = program(tmp_path, "Available devices:\n")
    assert gpus(server, Hardware((RTX,))) == ()
    [target] = targets_of(server, Hardware((RTX,), memory=32 * GIB))
    assert target.vendor == "cpu"


def test_another_build_that_is_still_installed_is_not_asked(tmp_path: Path) -> None:
    wheel = program(tmp_path, "Available devices:\n")
    assert gpus(replace(wheel, build="cuda", installed=False), Hardware((RTX,))) == (RTX,)


def test_before_it_is_installed_the_wheel_needs_vulkan_and_the_release_for_the_processor_has_no_module() -> None:
    missing = Path("/nowhere/llama-server")
    assert gpus(Server(missing, "wheel", ""), Hardware((RTX,), vulkan=True)) == (RTX,)
    assert gpus(Server(missing, "wheel", ""), Hardware((RTX,))) == ()
    assert gpus(Server(missing, "cpu", ""), Hardware((RTX,), vulkan=True)) == ()
    assert gpus(Server(missing, "cuda", ""), Hardware((CARD, RTX), vulkan=True)) == (RTX,)
    gpu, cpu = targets_of(Server(missing, "wheel", ""), Hardware((RTX,), vulkan=True, memory=16 * 10**9))
    assert (gpu.name, gpu.ram_gb, cpu.vendor) == ("NVIDIA GeForce RTX 3060", 16, "cpu")
