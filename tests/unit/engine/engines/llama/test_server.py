"""Which llama-server runs where, and what the user is told."""

from pathlib import Path
from typing import get_args

import pytest

from engine.engines.llama.environment import llama_server
from engine.engines.llama.releases import WHEEL_NEEDS, Build
from engine.engines.llama.server import NEEDED_FLAGS, choose_server
from engine.machine.detect import Hardware, detect, physical_cores
from engine.machine.vendor import Accelerator
from engine.plans.launch import PlanError

ROOT = Path("/the/project")
MODERN = frozenset(WHEEL_NEEDS)


def hardware(**values: object) -> Hardware:
    return Hardware(**{"machine": "x86_64", "glibc": (2, 39), "cpu_flags": MODERN, **values})


def test_the_users_own_goes_first() -> None:
    found = choose_server(hardware(llama_server="/usr/bin/llama-server"), ROOT)
    assert (found.program, found.build) == (Path("/usr/bin/llama-server"), None)
    assert "/usr/bin/llama-server is on the PATH" in found.why


def test_the_users_own_is_passed_over_where_it_would_exit_on_our_flags() -> None:
    own = {"llama_server": "/usr/bin/llama-server"}
    assert choose_server(hardware(llama_flags=frozenset(NEEDED_FLAGS), **own), ROOT).build is None
    old = frozenset(NEEDED_FLAGS) - {"--offline", "--cache-ram"}
    found = choose_server(hardware(llama_flags=old, **own), ROOT)
    assert found.build == "wheel"
    assert "/usr/bin/llama-server is on the PATH, but does not know --cache-ram, --offline. llama.cpp b" in found.why
    assert "its --help can't be read" in choose_server(hardware(llama_flags=frozenset(), **own), ROOT).why
    with pytest.raises(PlanError, match=r"does not know --cache-ram, --offline.*on the PATH, a newer one"):
        choose_server(hardware(llama_flags=old, glibc=(), **own), ROOT)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_else_the_wheel(machine: str) -> None:
    flags = MODERN if machine == "x86_64" else frozenset({"asimd"})
    found = choose_server(hardware(machine=machine, cpu_flags=flags, glibc=(2, 28)), ROOT)
    assert (found.program, found.build) == (llama_server(ROOT), "wheel")
    assert "b11524 from PyPI" in found.why


@pytest.mark.parametrize("lacking", WHEEL_NEEDS)
def test_an_older_processor_takes_llama_cpps_own_release(lacking: str) -> None:
    found = choose_server(hardware(cpu_flags=MODERN - {lacking}), ROOT)
    assert found.build == "cpu"
    assert f"(cpu, 17 MB), in .venv-llama: this processor lacks {lacking}." in found.why


def test_on_a_gpu_of_nvidia_cuda_comes_where_the_wheel_could_not_reach_it() -> None:
    gpu = Accelerator("nvidia", "NVIDIA GeForce RTX 3060", 12 * 1024**3)
    found = choose_server(hardware(accelerators=(gpu,)), ROOT)
    assert (found.build, found.installed) == ("cuda", False)
    assert "(cuda, 763 MB), in .venv-llama: Vulkan's loader is not installed" in found.why
    assert choose_server(hardware(accelerators=(gpu,), vulkan=True), ROOT).build == "wheel"
    assert choose_server(hardware(accelerators=(gpu,), glibc=(2, 36)), ROOT).build == "wheel"
    radeon = Accelerator("amd", "AMD Radeon RX 7600", 8 * 1024**3)
    assert choose_server(hardware(accelerators=(radeon,)), ROOT).build == "wheel"
    old = {"cpu_flags": frozenset[str](), "vulkan": True}
    assert choose_server(hardware(accelerators=(radeon,), **old), ROOT).build == "vulkan"
    assert choose_server(hardware(accelerators=(gpu,), cpu_flags=frozenset()), ROOT).build == "cuda"


def test_a_build_can_be_chosen_and_is_refused_where_it_does_not_run() -> None:
    own = hardware(llama_server="/usr/bin/llama-server")
    for build in get_args(Build):
        assert choose_server(own, ROOT, build).build == build
    with pytest.raises(
        PlanError, match=r"KIMI_LLAMA_BUILD=cuda: .* needs glibc 2\.39 on x86_64; unset KIMI_LLAMA_BUILD"
    ):
        choose_server(hardware(machine="aarch64"), ROOT, "cuda")
    with pytest.raises(PlanError, match=r"KIMI_LLAMA_BUILD=wheel: .* this processor lacks avx2"):
        choose_server(hardware(cpu_flags=frozenset()), ROOT, "wheel")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"cpu_flags": frozenset(), "glibc": (2, 31)}, r"lacks avx2, fma, f16c, bmi2.*glibc 2\.35"),
        ({"glibc": ()}, "not for this system"),
        ({"machine": "riscv64"}, "not for this system.*x86_64 or aarch64"),
    ],
)
def test_where_none_runs_a_person_learns_why_and_the_way_out(values: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=rf"(?s){said}.*put your own llama-server on the PATH"):
        choose_server(hardware(**values), ROOT)


def test_a_core_with_two_threads_counts_once(tmp_path: Path) -> None:
    for thread, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        topology = tmp_path / f"cpu{thread}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(siblings)
    assert physical_cores([0, 1, 2, 3], tmp_path) == 2
    assert physical_cores([0, 2], tmp_path) == 1
    assert physical_cores([0, 1, 2], tmp_path / "nothing") == 3


def test_this_machine_is_looked_at() -> None:
    found = detect()
    assert found.machine
    assert 1 <= found.physical_cores <= found.cores
