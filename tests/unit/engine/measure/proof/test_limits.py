"""What `./start.sh prove` shares with the plan, on a GPU too, and what it says that it can't prove."""

from pathlib import Path

import pytest

from engine.catalog import find_model
from engine.commands.prove import nano_plan
from engine.engines.choice import make_plan
from engine.engines.registry import engine_of
from engine.machine.detect import Hardware
from engine.measure.proof.limits import compare, unproven
from engine.measure.proof.record import Outcome
from engine.plans.flags import value
from engine.plans.launch import LaunchPlan, PlanError
from tests.instruments.combinations import settings
from tests.unit.engine.engines.test_ladder import gpu, machine


def both(hardware: Hardware, folder: Path, **values: object) -> tuple[LaunchPlan, LaunchPlan]:
    """The plan, and nano in its place."""
    chosen = settings(workspace=folder, **values)
    plan = make_plan(chosen, hardware)
    return plan, nano_plan(plan, chosen, hardware)


def cannot(plan: LaunchPlan) -> str:
    engine = engine_of(plan.engine)
    assert engine.proof
    return " ".join(unproven(plan, find_model(plan.model), engine.proof, engine.flags.tensor))


def test_on_a_gpu_nano_takes_the_place_of_the_model_with_the_same_build_and_flags(tmp_path: Path) -> None:
    plan, nano = both(machine(gpu("NVIDIA L40S", 48, free=44)), tmp_path)
    assert (nano.engine, nano.environment, nano.accelerator) == ("vllm", "cuda", "1 x NVIDIA L40S")
    assert "--enforce-eager" not in nano.argv
    assert not {"OMP_NUM_THREADS", "VLLM_ENABLE_V1_MULTIPROCESSING"} & set(nano.env)
    shared = compare(plan, nano)
    assert {"--gpu-memory-utilization", "--enable-prefix-caching", "--reasoning-parser"} <= set(shared.same)
    assert {"--port", "--max-model-len", "--served-model-name"} <= set(shared.other_value)
    assert shared.left_out == ()
    assert shared.env == ("VLLM_MLA_DISABLE=1",)
    assert "32.8 GB of weights" in cannot(plan)
    assert "on a GPU yet" in cannot(plan)
    assert "latent attention" in cannot(plan)


def test_several_gpus_and_a_quantization_are_said_to_be_unproven(tmp_path: Path) -> None:
    plan, nano = both(machine(*[gpu("NVIDIA GeForce RTX 4090", 24)] * 4), tmp_path)
    assert value(nano.argv, "--tensor-parallel-size") is None
    assert "--tensor-parallel-size" in compare(plan, nano).left_out
    assert "4 devices work together" in cannot(plan)
    plan, nano = both(machine(gpu("NVIDIA GeForce RTX 4090", 24)), tmp_path)
    assert "--quantization" in compare(plan, nano).left_out
    assert "fp8" in cannot(plan)


def test_llama_cpp_on_the_cpu(tmp_path: Path) -> None:
    plan, nano = both(machine(ram=32, avx2=True), tmp_path)
    assert (nano.engine, nano.argv[0], nano.environment) == ("llama", plan.argv[0], plan.environment)
    assert {"--parallel", "--threads", "--cache-ram"} & set(compare(plan, nano).same)
    assert "11.2 GB of weights" in cannot(plan)
    assert "on a GPU yet" not in cannot(plan)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"engine": "reader"}, "only the reader"),
        ({"engine": "openai"}, "start.sh verify"),
        ({"engine": "sglang"}, "does not run on SGLang"),
    ],
)
def test_what_it_can_not_stand_for_is_said(values: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=said):
        both(machine(gpu("NVIDIA H100 80GB HBM3", 80, "9.0"), sglang=True), tmp_path, **values)


def test_an_outcome_concerns_the_same_engine_build_and_device_alone(tmp_path: Path) -> None:
    plan, _ = both(machine(ram=32, avx2=True), tmp_path)
    Outcome.of(plan, "It did not start.").write(tmp_path / "proof.json")
    kept = Outcome.read(tmp_path / "proof.json")
    assert kept
    assert kept.concerns(plan)
    assert not kept.passed
    assert "It did not start." in str(kept)
    other, _ = both(machine(gpu("NVIDIA L40S", 48)), tmp_path)
    assert not kept.concerns(other)
    (tmp_path / "proof.json").write_text("[]")
    assert Outcome.read(tmp_path / "proof.json") is None
