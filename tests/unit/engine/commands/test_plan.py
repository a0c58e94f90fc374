"""`./start.sh plan`: names, exit statuses, formats, rules."""

import itertools
import json
import shlex
import subprocess
from pathlib import Path

import psutil
import pytest
import yaml

from engine.commands.cli import parser, status
from engine.commands.plan import run
from engine.engines.reader import reader_plan
from engine.engines.vllm.moe_targets import copy_with_moe_targets
from engine.plans.flags import merge, number, split, value
from engine.plans.page import KEY_FILE, key_step
from engine.status import Status
from engine.supervise import control
from tests.instruments.combinations import plan_of, settings


def plan(capsys: pytest.CaptureFixture[str], arguments: str) -> tuple[int, str, str]:
    """Exit status, what it prints, and what it says on standard error."""
    status = run(settings(), parser().parse_args(["plan", *shlex.split(arguments)]))
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.mark.parametrize(
    "arguments",
    [
        "--model kimi-k2.5 --accelerator h200",
        "--model moonshotai/Kimi-K2.5 --accelerator 'NVIDIA H200'",
        "--model MOONSHOTAI/KIMI-K2.5 --accelerator H200 --engine VLLM --format TEXT",
    ],
)
def test_names_are_taken_in_any_case_and_with_their_makers(capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    assert plan(capsys, arguments) == plan(capsys, "--model Kimi-K2.5 --accelerator H200")


@pytest.mark.parametrize("name", ["H200", "B200", "A100-80", "L40S", "RTX4090", "MI300X", "MI355X", "Atlas A3"])
def test_every_accelerator_of_the_guides_is_known(capsys: pytest.CaptureFixture[str], name: str) -> None:
    status, printed, _ = plan(capsys, f"--accelerator '{name}' --format json")
    assert status == 0
    assert name in json.loads(printed)["accelerator"]


@pytest.mark.parametrize(
    ("arguments", "known"),
    [("--model gpt-2", "Kimi-K2.6"), ("--accelerator GTX1080", "MI355X"), ("--count 8", "--accelerator")],
)
def test_an_unknown_name_ends_with_2_and_the_known_ones(
    capsys: pytest.CaptureFixture[str], arguments: str, known: str
) -> None:
    status, printed, said = plan(capsys, arguments)
    assert (status, printed) == (2, "")
    assert known in said


def test_an_unknown_engine_ends_with_2_and_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        plan(capsys, "--engine tgi")
    assert ended.value.code == 2
    assert "sglang" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ("--model Kimi-K2.5 --accelerator MI355X -- --enable-expert-parallel", "expert parallelism"),
        ("--model Kimi-K2.5 --accelerator MI355X -- -ep", "expert parallelism"),
        ("--model Kimi-K2.5 --accelerator MI350X -- --enable-lora", "LoRA"),
        ("--model Kimi-K2.5 --accelerator H200 -- --moe-backend=flydsl --enable_lora", "LoRA"),
        ("--accelerator H200 -- --max-model-len 131073", "131072"),
        ("--accelerator H200 -- --max-model-len 200k", "131072"),
        ("--accelerator H200 --engine sglang -- --context-length 131073", "131072"),
        ("--model Kimi-K2.5 --accelerator H100", "640 GB"),
        ("--model Kimi-K2.5 --accelerator H200 --count 4", "564 GB"),
        ("--model Kimi-K2.5 --accelerator H200 --memory 80", "640 GB"),
        ("--model Kimi-K2.5 --accelerator H200 -- --tensor-parallel-size 4", "564 GB"),
        ("--model Kimi-K2.5 --accelerator H200 -- -tp 16", "16 devices are more"),
        ("--model Kimi-K2.5 --accelerator CPU", "on a CPU"),
        ("--accelerator RTX4090 --memory 2", "GB"),
        ("--accelerator 'Atlas A3' --engine sglang", "sglang"),
        ("--model Kimi-K2.5 --accelerator H200 --engine llama", "does not run on llama"),
        ("--model Kimi-K2.5 --accelerator H200 --variant mxfp4", "there is: none"),
        ("--model Kimi-K3 --accelerator GB300", "1680 GB"),
        ("--accelerator H200 --speculative", "No draft model"),
        ("--model Kimi-K2.5 --accelerator MI300X --engine sglang --speculative", "No draft model"),
        ("--accelerator H200 --engine reader", "KIMI_ENGINE=reader"),
    ],
)
def test_an_invalid_combination_ends_with_3_and_the_rule(
    capsys: pytest.CaptureFixture[str], arguments: str, rule: str
) -> None:
    status, printed, said = plan(capsys, arguments)
    assert (status, printed) == (3, "")
    assert rule in said
    assert said.count("\n") == 1


def test_flydsl_is_fine_without_what_it_excludes(capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(capsys, "--model Kimi-K2.5 --accelerator MI355X -- --block-size 64")[0] == 0


def test_json_has_the_command_its_environment_why_and_the_steps(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(plan(capsys, "--model Kimi-K2-Thinking --accelerator 'Atlas A3' --format json")[1])
    assert data["argv"][:2] == ["vllm", "serve"]
    assert data["env"]["HCCL_OP_EXPANSION_MODE"] == "AIV"
    assert data["reasons"]
    assert [any(word in step for step in data["steps"]) for word in ("Install", "moe_targets", "curl")] == [True] * 3


def test_no_plan_holds_a_key() -> None:
    for arguments in ("--accelerator H200", "--accelerator H200 --engine sglang", "--accelerator CPU --memory 32"):
        found = plan_of(shlex.split(arguments))
        assert "--api-key" not in found.argv
        assert not any("KEY" in name for name in found.env)


@pytest.mark.parametrize("arguments", ["--accelerator H200", "--model Kimi-K2.5 --accelerator H100 --nodes 2"])
def test_the_shell_script_is_one_that_bash_can_read(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: str
) -> None:
    script = tmp_path / "launch.sh"
    script.write_text(plan(capsys, f"{arguments} --format shell")[1])
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("arguments", ["--accelerator H200", "--accelerator H200 --engine sglang"])
def test_the_lines_that_attach_the_page_are_ones_that_bash_can_read(tmp_path: Path, arguments: str) -> None:
    page = plan_of(shlex.split(arguments)).guide.page
    script = tmp_path / "page.sh"
    script.write_text(page)
    assert subprocess.run(["bash", "-n", script], capture_output=True, check=False).returncode == 0
    assert page.count("KIMI_ENGINE=openai") == page.count("OPENAI_API_BASE=http://127.0.0.1:8000/v1") == 2


def test_the_key_of_a_launch_by_hand_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    script = key_step("SECRET") + '\nprintf %s "$SECRET"'
    first, second = (subprocess.check_output(["bash", "-c", script], cwd=tmp_path, text=True) for _ in range(2))
    assert first == second
    assert len(first) == 48
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_a_node_that_there_is_not_ends_with_3_and_the_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--model Kimi-K2.5 --accelerator H100 --nodes 2"
    assert plan(capsys, f"{arguments} --node 0")[1] == plan(capsys, f"{arguments} --format shell")[1]
    for node in (2, -1):
        status, printed, said = plan(capsys, f"{arguments} --node={node}")
        assert (status, printed) == (3, "")
        assert "nodes 0 to 1" in said


def test_the_shell_script_runs_the_very_command_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = "--model Kimi-K2.5 --accelerator MI355X"
    lines = plan(capsys, f"{arguments} --format shell")[1].splitlines()
    launch = "\n".join(lines[next(n for n, line in enumerate(lines) if line.startswith("vllm serve")) :])
    script = f'vllm() {{ printf "%s\\0" vllm "$@"; }}\n{launch}'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split("\0")[:-1]) == plan_of(shlex.split(arguments)).argv


@pytest.mark.parametrize("arguments", ["--accelerator H200", "--model Kimi-K2-Thinking --accelerator 'Atlas A3'"])
def test_the_compose_file_has_the_same_command_line_and_environment(
    capsys: pytest.CaptureFixture[str], arguments: str
) -> None:
    service = yaml.safe_load(plan(capsys, f"{arguments} --format compose")[1])["services"]["engine"]
    found = plan_of(shlex.split(arguments))
    assert (*service["entrypoint"], *service["command"]) == found.argv
    assert found.env.items() <= service["environment"].items()
    assert service["image"] == found.guide.image


def test_the_compose_file_mounts_what_the_container_line_mounts(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--model Kimi-K2-Thinking --accelerator 'Atlas A3'"
    service = yaml.safe_load(plan(capsys, f"{arguments} --format compose")[1])["services"]["engine"]
    container = plan_of(shlex.split(arguments)).guide.container
    mounted = {after for before, after in itertools.pairwise(container) if before == "-v"}
    assert "/usr/local/dcmi:/usr/local/dcmi" in mounted
    assert mounted <= set(service["volumes"])


def test_the_container_line_has_every_chip_of_ascend() -> None:
    container = plan_of(shlex.split("--model Kimi-K2-Thinking --accelerator 'Atlas A3'")).guide.container
    assert {f"/dev/davinci{n}" for n in range(16)} <= set(container)
    assert "/dev/davinci16" not in container


def test_a_further_flag_replaces_ours_of_the_same_name() -> None:
    found = plan_of(shlex.split("--accelerator H200 -- --max-num-seqs=4 --no-enable-prefix-caching"))
    assert value(found.argv, "--max-num-seqs") == "4"
    assert "--enable-prefix-caching" not in found.argv
    assert "--no-enable-prefix-caching" in found.argv


def test_flags_are_split_merged_and_read() -> None:
    argv = ["vllm", "serve", "x", "--a", "1", "--b=2", "--n", "-1", "--enable-c"]
    assert split(argv) == [("vllm", "serve", "x"), ("--a", "1"), ("--b", "2"), ("--n", "-1"), ("--enable-c",)]
    assert merge(argv, ["--b", "3", "--no-enable-c", "--d"])[5:] == ["--b", "3", "--n", "-1", "--no-enable-c", "--d"]
    assert [number(["--l", text], "--l") for text in ("8192", "32k", "32K", "auto")] == [8192, 32000, 32768, None]


def test_the_copy_for_ascend_names_the_experts_and_leaves_the_original(tmp_path: Path) -> None:
    original, copy = tmp_path / "model", tmp_path / "model-moe"
    original.mkdir()
    config = {"quantization_config": {"config_groups": {"group_0": {"targets": ["Linear"], "weights": {"bits": 4}}}}}
    (original / "config.json").write_text(json.dumps(config))
    (original / "model-1.safetensors").write_bytes(b"weights")
    for _ in range(2):  # a second time finds its own work
        copy_with_moe_targets(original, copy)
    group = json.loads((copy / "config.json").read_text())["quantization_config"]["config_groups"]["group_0"]
    assert group == {"targets": ["MoE"], "weights": {"bits": 4}}
    assert json.loads((original / "config.json").read_text()) == config
    assert (copy / "model-1.safetensors").is_symlink()
    assert (copy / "model-1.safetensors").read_bytes() == b"weights"
    assert not (copy / "model-1.safetensors").readlink().is_absolute()


def test_status_says_which_rung_runs_and_why_not_the_next_higher(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(workspace=tmp_path)
    chosen.files.create()
    Status().write(chosen.files.status)
    reader_plan(chosen, "reader.auto", ("There is no accelerator here.",)).write(chosen.files.plan)
    monkeypatch.setattr("engine.commands.cli.control.supervisor", lambda _: control.Found(psutil.Process()))
    for arguments in (["status"], ["status", "--json"]):
        assert status(chosen, parser().parse_args(arguments)) == 0
        assert "There is no accelerator here." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        # Somebody has run exactly this.
        ("--accelerator H20", "Shown to work: https://github.com/xorbitsai/inference/pull/3372"),
        ("--model Kimi-K2.5 --accelerator H200", "Shown to work: https://recipes.vllm.ai/moonshotai/Kimi-K2.5"),
        # The model's card shows it on vLLM, on no device in particular.
        ("--accelerator 'DGX Spark'", "Not established on DGX Spark: "),
        ("--accelerator L40S", "Not established on L40S: "),
        ("--accelerator H100 --engine sglang", "Not established on H100: "),
        ("--model Kimi-VL-A3B-Instruct --accelerator H20", "Not established on H20: "),
        # Nobody has shown it.
        ("--accelerator MI300X", "Not established: we know of no one"),
        ("--accelerator 'Atlas A2'", "Not established: we know of no one"),
        ("--accelerator RTX4090", "Untested: fp8"),
        ("--model Kimi-K2-Thinking --accelerator 'Atlas A2' --nodes 2", "Listed as experimental: "),
    ],
)
def test_a_plan_says_what_was_shown_to_work_and_of_nothing_else(arguments: str, said: str) -> None:
    reasons = plan_of(shlex.split(arguments)).reasons
    assert len([reason for reason in reasons if reason.startswith(said)]) == 1, reasons


@pytest.mark.parametrize(
    ("arguments", "tensor", "flag"),
    [
        ("--model Kimi-K2.6 --accelerator H200 --engine sglang", "--tp-size 8", "--dp-size 8"),
        ("--model Kimi-K2.6 --accelerator GB200 --engine sglang", "--tp-size 4", "--dp-size 4"),
        ("--model Kimi-K2.6 --accelerator B300 --count 4 --engine sglang", "--tp-size 4", "--dp-size 4"),
        ("--model Kimi-K2.5 --accelerator MI300X --engine sglang", "--tp-size 4", "--dp-size 4"),
        ("--model Kimi-K2.6 --accelerator B300", "--tensor-parallel-size 4", "--decode-context-parallel-size 4"),
        ("--model Kimi-K2-Thinking --accelerator H200", "--tensor-parallel-size 8", "--decode-context-parallel-size 8"),
    ],
)
def test_attention_is_spread_over_as_many_devices_as_there_are(arguments: str, tensor: str, flag: str) -> None:
    launch = " ".join(plan_of(shlex.split(f"{arguments} --preset high-throughput")).argv)
    assert tensor in launch
    assert flag in launch
